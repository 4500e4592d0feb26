"""A search: resumable, deterministic, judged on validation data alone; its best settings become a recipe."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from unrolled.config import Range, Recipe, default_recipe, read_recipe
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError, DataError, StudyError
from unrolled.jobs.watcher import Watcher
from unrolled.runs.run import recipe_for, train
from unrolled.tuning import study as studies
from unrolled.tuning.search import Tuning, tune
from unrolled.tuning.space import DEFAULT_SPACE, inside, search_space

pytestmark = pytest.mark.slow

TINY: dict[str, Any] = {"max_epochs": 3, "batch_size": 16, "num_layers": 1, "jobs": 1}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of sequences."""
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    np.savez(tmp_path / "own.npz", X=rng.normal(labels[:, None], 1, (80, 5)), y=labels)
    return tmp_path / "own.npz"


def search(source: Path, tmp_path: Path, trials: int, **options: Any) -> Tuning:
    drawn = {"output_initializer": "glorot"}  # of a fitted start, which few settings better, there is little to tune
    settings = {"hidden_size": 4, "cell": "rnn"} | drawn | TINY | options
    return tune(str(source), trials=trials, runs=tmp_path / "runs", **settings)


def test_the_best_settings_become_a_recipe_that_train_takes(source: Path, tmp_path: Path) -> None:
    found = search(source, tmp_path, 6)
    assert [trial.number for trial in found.trials] == list(range(6))
    complete = [trial for trial in found.trials if trial.state == "complete"]
    best = min(complete, key=lambda trial: trial.value or 0)
    assert (found.best, found.value) == (best.number, best.value)
    recipe = read_recipe(found.recipe_file)
    assert recipe.train.learning_rate == best.settings["learning_rate"]
    assert recipe.model.cell == "rnn"
    assert not recipe.tune
    run = train(found.recipe_file, runs=tmp_path / "runs", report=False)
    watched = min(log.validation_loss for log in run.history if log.validation_loss is not None)
    assert watched == pytest.approx(found.value, abs=1e-6)
    assert {path.name for path in found.folder.iterdir()} >= {"best.toml", "tuning.json", "tuning.png", "study.db"}
    assert json.loads((found.folder / "tuning.json").read_text())["settings"] == best.settings


def test_the_first_trial_is_the_recipe_as_it_is(tmp_path: Path) -> None:
    recipe = recipe_for("digits").with_options({"max_epochs": 1}).model_copy(update={"tune": {"hidden_size": (16, 64)}})
    found = tune(recipe, trials=1, runs=tmp_path, jobs=1)
    assert found.trials[0].settings == {"hidden_size": 64}


def test_the_same_seed_makes_the_same_trials(source: Path, tmp_path: Path) -> None:
    found = [search(source, tmp_path / str(number), 4).trials for number in range(2)]
    assert [(t.settings, t.value) for t in found[0]] == [(t.settings, t.value) for t in found[1]]
    other = search(source, tmp_path / "other", 4, seed=1).trials
    assert [t.settings for t in other[1:]] != [t.settings for t in found[0][1:]]


def test_finished_trials_are_kept_and_count(source: Path, tmp_path: Path) -> None:
    first = search(source, tmp_path, 3)
    said: list[str] = []
    more = search(source, tmp_path, 5, say=said.append)
    assert more.trials[:3] == first.trials
    assert len(more.trials) == 5
    assert "3 trials were finished before" in said
    assert search(source, tmp_path, 5) == more


def test_a_test_file_is_not_even_opened(source: Path, tmp_path: Path) -> None:
    alone = search(source, tmp_path / "alone", 3, test_fraction=0)
    (tmp_path / "test.npz").write_bytes(b"this is no file of sequences")
    beside = search(source, tmp_path / "beside", 3, test=str(tmp_path / "test.npz"))
    assert [(t.settings, t.value) for t in alone.trials] == [(t.settings, t.value) for t in beside.trials]


def test_sequences_held_out_for_the_test_change_nothing(source: Path, tmp_path: Path) -> None:
    from sklearn.model_selection import train_test_split

    labels = np.arange(80) % 2
    _, held_out = train_test_split(np.arange(80), test_size=16, random_state=0, stratify=labels)
    before = search(source, tmp_path / "before", 3)
    with np.load(source) as content:
        X, y = content["X"].copy(), content["y"]
    X[held_out] = 1000 * np.random.default_rng(1).normal(size=X[held_out].shape)
    np.savez(source, X=X, y=y)
    after = search(source, tmp_path / "after", 3)
    assert [(t.settings, t.value) for t in before.trials] == [(t.settings, t.value) for t in after.trials]


def test_no_trial_is_given_test_sequences(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unrolled.tuning import trial

    seen = []
    learn = trial.learn

    def watched(recipe: Any, dataset: Any, *rest: Any) -> float:
        seen.append(dataset.test)
        return learn(recipe, dataset, *rest)

    monkeypatch.setattr(trial, "learn", watched)
    search(source, tmp_path, 2)
    assert seen == [None, None]


def test_a_recipe_without_validation_is_judged_on_some_of_its_training_sequences(tmp_path: Path) -> None:
    said: list[str] = []
    options = {"length": 6, "train_size": 40, "max_epochs": 2, "hidden_size": 4}
    found = tune("count-ones", trials=2, runs=tmp_path, say=said.append, jobs=1, **options)
    assert any("6 sequences are kept to judge by" in line for line in said)
    assert read_recipe(found.recipe_file).data.validation_fraction == 0


@pytest.mark.data
def test_japanese_vowels_can_be_tuned(tmp_path: Path) -> None:
    found = tune("japanese-vowels", trials=2, runs=tmp_path, max_epochs=1, hidden_size=4, num_layers=1, jobs=1)
    assert len(found.trials) == 2


def test_accuracy_is_made_large_where_it_is_watched(source: Path, tmp_path: Path) -> None:
    found = search(source, tmp_path, 3, monitor="accuracy")
    assert found.value == max(trial.value or 0 for trial in found.trials if trial.state == "complete")


def test_a_search_that_diverges_goes_on(source: Path, tmp_path: Path) -> None:
    recipe = recipe_for(str(source)).with_options(
        {"max_epochs": 2, "hidden_size": 4, "clip_norm": 0, "schedule": "constant"}
    )
    recipe = recipe.model_copy(update={"tune": {"learning_rate": Range(low=1e-4, high=1e38, log=True)}})
    found = tune(recipe, trials=6, runs=tmp_path / "runs", jobs=1)
    assert {trial.state for trial in found.trials} == {"complete", "pruned"}


class Sooner(Watcher):
    """Notes the lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def finished(self, place: int, line: str) -> None:
        self.lines.append(line)


def test_trials_that_lag_behind_are_given_up(tmp_path: Path) -> None:
    recipe = recipe_for("digits").with_options({"max_epochs": 8, "hidden_size": 4})
    recipe = recipe.model_copy(update={"tune": {"learning_rate": Range(low=1e-6, high=3e-2, log=True)}})
    sooner = Sooner()
    found = tune(recipe, trials=12, runs=tmp_path, jobs=1, watcher=sooner)
    assert any(trial.state == "pruned" for trial in found.trials)
    assert any("behind the others" in line for line in sooner.lines)
    assert any("the best so far" in line for line in sooner.lines)


def test_a_time_limit_ends_the_search_after_the_trial_that_runs(source: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no trial"):
        search(source, tmp_path, 5, time_limit=0.0)
    assert len(search(source, tmp_path, 2).trials) == 2


def test_several_processes_share_a_study(source: Path, tmp_path: Path) -> None:
    said: list[str] = []
    found = search(source, tmp_path, 4, jobs=2, say=said.append)
    assert [trial.state in ("complete", "pruned") for trial in found.trials] == [True] * 4
    assert any("2 at a time with 1 thread each" in line for line in said)
    settings = [tuple(trial.settings.items()) for trial in found.trials]
    assert len(set(settings)) == 4  # no two of them are the same draw


def test_the_draws_are_those_of_a_search_by_one_process(source: Path, tmp_path: Path) -> None:
    """Before there are enough trials to learn from, each is drawn by its own number, whoever makes it."""
    ways = [search(source, tmp_path / str(jobs), 5, jobs=jobs).trials for jobs in (1, 2)]
    one, several = ({trial.number: trial.settings for trial in way} for way in ways)
    assert one == several


def test_the_first_trial_of_a_file_is_the_default_recipe_as_it_is(source: Path, tmp_path: Path) -> None:
    """Its values are all in the default space."""
    recipe = default_recipe("own")
    assert inside(DEFAULT_SPACE, recipe) is not None
    first = search(source, tmp_path, 1).trials[0]
    assert first.settings["learning_rate"] == recipe.train.learning_rate
    assert first.settings["weight_decay"] == recipe.train.weight_decay


def test_sequences_in_memory_can_be_searched_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    data = Sequences.from_list(list(rng.normal(labels[:, None], 1, (60, 5))), labels)
    found = tune(Recipe(name="mine"), data=data, trials=2, runs=tmp_path, max_epochs=1, hidden_size=4)
    assert len(found.trials) == 2


def test_a_study_of_something_else_is_not_gone_on_with(source: Path, tmp_path: Path) -> None:
    search(source, tmp_path, 1)
    with pytest.raises(StudyError, match="begun with another recipe"):
        search(source, tmp_path, 2, clip_norm=3.0)
    with pytest.raises(StudyError, match="begun with another"):
        search(source, tmp_path, 2, learning_rate=0.01)
    np.savez(source, X=np.random.default_rng(5).normal(size=(80, 5)), y=np.arange(80) % 2)
    with pytest.raises(StudyError, match="begun with another data"):
        search(source, tmp_path, 2)
    assert len(search(source, tmp_path, 1, name="another").trials) == 1


def test_a_damaged_study_is_named(source: Path, tmp_path: Path) -> None:
    (tmp_path / "study.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StudyError, match=r"study\.db: .*damaged or holds no study"):
        search(source, tmp_path, 1, storage=tmp_path / "study.db")


def test_a_locked_study_is_named(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search(source, tmp_path, 1, storage=tmp_path / "study.db")
    monkeypatch.setattr(studies.open_storage, "__defaults__", (0.01,))
    holder = sqlite3.connect(tmp_path / "study.db")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(StudyError, match=r"study\.db: .*another process is writing"):
            search(source, tmp_path, 2, storage=tmp_path / "study.db")
    finally:
        holder.close()


@pytest.mark.parametrize("storage", ["nothing://host/study", "/no/such/folder/study.db"])
def test_a_storage_that_cannot_be_had_is_named(source: Path, tmp_path: Path, storage: str) -> None:
    with pytest.raises((ConfigError, StudyError), match=r"storage|open database"):
        search(source, tmp_path, 1, storage=storage)


def test_data_without_validation_are_refused(tmp_path: Path) -> None:
    data = Sequences.from_list([np.array([index, 2.0]) for index in range(20)], [0, 1] * 10)
    with pytest.raises(DataError, match="validation"):
        tune(Recipe(name="mine"), data=data, trials=1, runs=tmp_path, validation_fraction=0)


def test_without_optuna_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    code = "import sys; sys.modules['optuna'] = None; sys.argv = ['unrolled', 'tune', 'digits']"
    code += "; from unrolled.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert "unrolled[tune]" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "jobs"), [(signal.SIGINT, 1), (signal.SIGINT, 2), (signal.SIGKILL, 2)])
def test_a_search_that_is_stopped_keeps_every_finished_trial(
    source: Path, tmp_path: Path, number: signal.Signals, jobs: int
) -> None:
    command = [sys.executable, "-c", "from unrolled.cli.main import main; main()", "tune", str(source)]
    words = ["--trials", "1000", "--jobs", str(jobs), "--runs", str(tmp_path / "runs"), "--hidden-size", "4"]
    words += ["--max-epochs", "3", "--num-layers", "1", "--cell", "rnn", "--batch-size", "16"]
    words += ["--output-initializer", "glorot"]
    process = subprocess.Popen(
        [*command, *words],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"NO_COLOR": "1"},
        start_new_session=True,
    )
    assert process.stderr is not None
    lines = itertools.islice((line for line in process.stderr if "trial " in line and ": " in line), 3)
    finished = [line.split("trial ")[1].split(":")[0] for line in lines]
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does: all processes have it
    else:
        process.kill()
    rest = process.stderr.read()
    process.stderr.close()
    code = process.wait()
    if number == signal.SIGINT:
        assert code == 130
        assert "finished and kept. The same command goes on" in rest
    else:
        assert code == -signal.SIGKILL
    found = search(source, tmp_path, 3)
    states = {str(trial.number): trial.state for trial in found.trials}
    assert {states[one] for one in finished} <= {"complete", "pruned"}


def test_the_importance_is_optunas(source: Path, tmp_path: Path) -> None:
    found = search(source, tmp_path, 8)
    study = optuna.load_study(study_name="own/tuning", storage=studies.storage_url(found.folder / "study.db"))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    assert found.importance == pytest.approx(optuna.importance.get_param_importances(study, evaluator=evaluator))


SMALL = {"cell": ("gru", "lstm", "rnn"), "hidden_size": Range(low=2, high=5)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_setting_is_tried_twice_and_a_small_space_ends(jobs: int, source: Path, tmp_path: Path) -> None:
    recipe = recipe_for(str(source)).model_copy(update={"tune": SMALL})
    said: list[str] = []
    found = tune(recipe, trials=20, jobs=jobs, runs=tmp_path / "runs", say=said.append, max_epochs=1, batch_size=40)
    tried = {tuple(trial.settings.items()) for trial in found.trials}
    assert len(found.trials) == len(tried) == 12
    assert any("every setting of the search space was tried" in line for line in said)
    assert any("lies outside of the search space" in line for line in said)  # 96 units


def test_the_number_of_trials_is_that_of_the_study_on_all_machines(source: Path, tmp_path: Path) -> None:
    code = (
        "import sys, unrolled\n"
        "options = dict(max_epochs=1, hidden_size=4, num_layers=1, jobs=1, runs=sys.argv[2], storage=sys.argv[3])\n"
        "unrolled.tune(sys.argv[1], trials=5, **options)\n"
    )
    words = [[sys.executable, "-c", code, source, tmp_path / str(i), tmp_path / "study.db"] for i in range(2)]
    machines = [subprocess.Popen(one, stdout=subprocess.DEVNULL) for one in words]
    assert [machine.wait(timeout=200) for machine in machines] == [0, 0]
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path / 'study.db'}")
    assert sum(trial.state.name in ("COMPLETE", "PRUNED") for trial in study.get_trials()) == 5


def test_the_default_space_holds_the_recipe_itself() -> None:
    own = {"batch_size": 20, "hidden_size": 200, "num_layers": 3, "cell": "rnn", "learning_rate": 0.1}
    recipe = recipe_for("digits").with_options(own)
    assert inside(search_space(recipe), recipe) is not None
