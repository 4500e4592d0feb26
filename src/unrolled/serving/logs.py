"""Log lines for machines: one JSON object a line on standard error, without anything of the data."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson

LOGGER = logging.getLogger("unrolled.serving")


class Line(logging.LogRecord):
    """A record without the place in the code, thread and process, which take most of the time to find out.

    Args:
        level: as `logging` has it.
        event: what happened.
        facts: what is known of it.
        error: what went wrong.
    """

    def __init__(self, level: int, event: str, facts: dict[str, Any], error: BaseException | None) -> None:
        now = time.time()
        self.__dict__ = _NOWHERE | {
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "msg": event,
            "facts": facts,
            "exc_info": None if error is None else (type(error), error, error.__traceback__),
            "created": now,
            "msecs": 1000 * (now % 1),
        }


_NOWHERE = logging.makeLogRecord({"name": LOGGER.name, "pathname": "", "filename": "", "module": ""}).__dict__


class JSONLines(logging.Formatter):
    """``{"time": …, "level": …, "event": …, …}``; the facts of an event come from the record's ``facts``."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        content: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            content["error"] = self.formatException(record.exc_info)
        return orjson.dumps(content, default=str).decode()


def log(event: str, level: int = logging.INFO, *, error: BaseException | None = None, **facts: Any) -> None:
    """Writes a line about an event."""
    if LOGGER.isEnabledFor(level):
        LOGGER.handle(Line(level, event, facts, error))


@contextmanager
def logging_to_stderr(level: str) -> Iterator[None]:
    """Sends the server's lines, and uvicorn's warnings, to standard error while the block runs."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONLines())
    levels = {LOGGER: level.upper(), logging.getLogger("uvicorn"): "WARNING"}
    former = [(logger, logger.handlers[:], logger.propagate, logger.level) for logger in levels]
    for logger, its_level in levels.items():
        logger.handlers[:], logger.propagate = [handler], False
        logger.setLevel(its_level)
    try:
        yield
    finally:
        for logger, handlers, propagate, its_former in former:
            logger.handlers[:], logger.propagate = handlers, propagate
            logger.setLevel(its_former)
