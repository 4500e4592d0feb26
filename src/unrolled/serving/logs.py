"""Log lines for programs: one JSON object per line on standard error, with nothing from the sequences."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime
from typing import Any

import orjson

LOGGER = logging.getLogger("unrolled.serving")
_EMPTY = logging.makeLogRecord({"name": LOGGER.name})


class JSONLines(logging.Formatter):
    """``{"time": …, "level": …, "event": …, …}``; the record's ``facts`` are further entries."""

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
        record = copy(_EMPTY)  # `LOGGER.log` would look up place, thread and process, which take most of the time
        cause = None if error is None else (type(error), error, error.__traceback__)
        record.__dict__ |= {"levelno": level, "levelname": logging.getLevelName(level), "msg": event}
        record.__dict__ |= {"created": time.time(), "facts": facts, "exc_info": cause}
        LOGGER.handle(record)


@contextmanager
def logging_to_stderr(level: str) -> Iterator[None]:
    """Sends the server's log lines and uvicorn's warnings to standard error during the block."""
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
