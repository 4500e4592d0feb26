"""A study: the trials so far, in one SQLite file or in a database that several machines share."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.errors import ConfigError, StudyError, option

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
    """The URL of a database; any other text is the path of a SQLite file."""
    text = str(storage)
    return text if "://" in text else f"sqlite:///{text}"


def open_storage(url: str, lock_seconds: float = LOCK_SECONDS) -> optuna.storages.RDBStorage:
    """Opens the storage of a study; trials of processes that died count as failed after two minutes.

    Raises:
        StudyError: for a file that is locked or damaged, or a database that cannot be reached.
        ConfigError: for an invalid URL.
    """
    options = {"connect_args": {"timeout": lock_seconds}} if url.startswith("sqlite:") else {}
    with helping(url), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            return optuna.storages.RDBStorage(
                url, engine_kwargs=options, heartbeat_interval=_HEARTBEAT_SECONDS, grace_period=_GRACE_SECONDS
            )
        except (RuntimeError, ValueError, AssertionError) as error:  # tables of another version or program
            raise StudyError(f"{url}: {_first_line(error)}; choose another --storage.") from error


@contextmanager
def helping(url: str) -> Iterator[None]:
    """Turns a database's errors into a `StudyError` with advice, and silences Optuna's log."""
    place = url.removeprefix("sqlite:///") if url.startswith("sqlite:") else url.split("@")[-1]
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(
            f"{option('storage', place)}: {_first_line(error)}; expected a file, or a database's URL."
        ) from None
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = _first_line(error.__cause__ or error)
        if "locked" in reason:
            advice = "another process is writing there; wait for it, or choose another --storage"
        elif "not a database" in reason or "malformed" in reason or "no such table" in reason:
            advice = "the file is damaged or holds no study; restore it, or choose another --storage"
        else:
            advice = "check that it is there, that it may be written, and that this version of Optuna made it"
        raise StudyError(f"{place}: {reason}: {advice}.") from error
    finally:
        optuna.logging.set_verbosity(level)


def _first_line(error: BaseException) -> str:
    first = str(error).strip().partition("\n")[0]
    return first.removeprefix("(sqlite3.").replace("OperationalError) ", "").replace("DatabaseError) ", "")


def open_study(url: str, name: str, monitor: str, identity: Mapping[str, Any]) -> optuna.Study:
    """Opens a study, or makes a new one.

    Args:
        url: URL of its storage.
        name: its name there.
        monitor: ``loss``, which is minimised, or ``accuracy``, which is maximised.
        identity: facts that all its trials share; a study with other facts is an error.
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
    """Opens an existing study, for a trial."""
    return optuna.load_study(study_name=name, storage=open_storage(url), pruner=pruner())


def sampler(seed: int, number: int, given: Mapping[str, Any] | None = None) -> optuna.samplers.BaseSampler:
    """The sampler of a trial's values, from the earlier trials; its random numbers depend on the seed and the trial.

    The study gives each trial its own number, even if several processes or machines ask at the same time, so no two
    trials draw the same random numbers.

    Args:
        seed: of the search.
        number: of the trial.
        given: the values, where they are chosen already. Optuna's queue for such values hands one entry to two
            processes that ask a SQLite file at the same time.
    """
    if given is not None:
        return _Given(given)
    return optuna.samplers.TPESampler(seed=int(np.random.SeedSequence((seed, number)).generate_state(1)[0]))


class _Given(optuna.samplers.BaseSampler):
    """Gives every field its value."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def infer_relative_search_space(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial, search_space: dict[str, Any]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        param_name: str,
        param_distribution: optuna.distributions.BaseDistribution,
    ) -> Any:
        return self.values[param_name]


def pruner() -> optuna.pruners.BasePruner:
    """Ends a trial whose validation curve lies above the median of those before it, at the same epoch."""
    return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=3)
