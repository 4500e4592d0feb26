"""A study: the trials that were made, in one SQLite file or in a database that several machines share."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.errors import ConfigError, StudyError

try:
    import optuna
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
except ImportError:
    raise ConfigError(
        "Optuna is not installed, and `unrolled tune` searches with it; add it with "
        "`python -m pip install 'unrolled[tune]'`."
    ) from None

LOCK_SECONDS = 60.0
"""How long a trial waits for another process to finish writing into a SQLite file."""

_HEARTBEAT_SECONDS, _GRACE_SECONDS = 30, 120


def storage_url(storage: str | Path) -> str:
    """A database's URL as it is; anything else is the path of a SQLite file."""
    text = str(storage)
    return text if "://" in text else f"sqlite:///{text}"


def open_storage(url: str, lock_seconds: float = LOCK_SECONDS) -> optuna.storages.RDBStorage:
    """The place of a study; trials of processes that died are given up there after two minutes.

    Raises:
        StudyError: for a file that is locked or damaged, or a database that cannot be reached.
        ConfigError: for a URL that is none.
    """
    options = {"connect_args": {"timeout": lock_seconds}} if url.startswith("sqlite:") else {}
    with helping(url), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            return optuna.storages.RDBStorage(
                url, engine_kwargs=options, heartbeat_interval=_HEARTBEAT_SECONDS, grace_period=_GRACE_SECONDS
            )
        except (RuntimeError, ValueError, AssertionError) as error:  # tables of another version, or of something else
            raise StudyError(f"{url}: {_first_line(error)}; choose another --storage.") from error


@contextmanager
def helping(url: str) -> Iterator[None]:
    """Turns what a database says into a `StudyError` that helps; Optuna itself says nothing meanwhile."""
    place = url.removeprefix("sqlite:///") if url.startswith("sqlite:") else url.split("@")[-1]
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(f"--storage {place}: {_first_line(error)}; expected a file, or a database's URL.") from None
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = _first_line(error.__cause__ or error)
        if "locked" in reason:
            advice = "another process is writing there; wait for it, or choose another --storage"
        elif "not a database" in reason or "malformed" in reason or "no such table" in reason:
            advice = "the file is damaged or no study; restore it, or choose another --storage"
        else:
            advice = "check that it is there, that it may be written, and that this version of Optuna made it"
        raise StudyError(f"{place}: {reason}: {advice}.") from error
    finally:
        optuna.logging.set_verbosity(level)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (
        lines[0].removeprefix("(sqlite3.").replace("OperationalError) ", "").replace("DatabaseError) ", "")
        if lines
        else ""
    )


def open_study(url: str, name: str, monitor: str, identity: Mapping[str, Any]) -> optuna.Study:
    """The study of a name, new or to go on with.

    Args:
        url: of its storage.
        name: of the study there.
        monitor: ``loss``, which is to become small, or ``accuracy``.
        identity: what all its trials share; a study that was begun with something else is refused.
    Raises:
        StudyError: naming what differs.
    """
    storage = open_storage(url)
    with helping(url):
        study = optuna.create_study(
            storage=storage,
            study_name=name,
            direction="maximize" if monitor == "accuracy" else "minimize",
            load_if_exists=True,
            pruner=pruner(),
        )
        for key, value in identity.items():
            text = json.dumps(value, sort_keys=True)
            found = study.user_attrs.get(key)
            if found is None:
                study.set_user_attr(key, text)
            elif found != text:
                raise StudyError(
                    f"the study {name!r} in {url.removeprefix('sqlite:///')} was begun with another {key}; go on with "
                    "what it was begun with, or choose another --name."
                )
    return study


def load_study(url: str, name: str) -> optuna.Study:
    """A study that is there, as a trial needs it."""
    return optuna.load_study(study_name=name, storage=open_storage(url), pruner=pruner())


def sampler(seed: int, number: int) -> optuna.samplers.BaseSampler:
    """What chooses the values of a trial, by the trials before it: it draws by the seed and the trial's own number.

    The study gives each trial a number of its own, also where several processes or machines ask at the same time; so
    no two trials draw the same random numbers.
    """
    return optuna.samplers.TPESampler(seed=int(np.random.SeedSequence((seed, number)).generate_state(1)[0]))


def pruner() -> optuna.pruners.BasePruner:
    """Ends a trial whose validation curve lies above the median of those before it, at the same pass."""
    return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=3)
