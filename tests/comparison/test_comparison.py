"""Comparisons: the figures of the runs themselves, tests as elsewhere, refusals with a reason, everything said."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

import unrolled
from pictures import assert_drawn
from unrolled.comparison.comparison import Comparison, compare, compare_entries
from unrolled.comparison.entries import Entry, Results, judge, results_of_run
from unrolled.comparison.output import to_markdown, write_comparison
from unrolled.comparison.references import ReferenceClassifier, fit_reference, named_reference
from unrolled.data.dataset import Dataset
from unrolled.data.load import load_dataset
from unrolled.data.sequences import Sequences, from_texts
from unrolled.drawing.comparison import draw_comparison
from unrolled.drawing.style import to_png
from unrolled.errors import ConfigError, DataError, MismatchError, RunError, UnknownNameError
from unrolled.evaluation.outcomes import save_outcomes
from unrolled.reports import words
from unrolled.runs.run import Run, train
from unrolled.statistics import difference, p_text, share

TINY: dict[str, Any] = {"max_epochs": 2, "hidden_size": 8, "threads": 1, "report": False}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Three cells, and a second seed of the last."""
    folder = tmp_path_factory.mktemp("runs")
    made = [train("digits", runs=folder, cell=cell, **TINY) for cell in ("rnn", "gru", "lstm")]
    return [*made, train("digits", runs=folder, cell="lstm", seed=1, **TINY)]


def answers(right: list[bool] | np.ndarray, fingerprint: str = "f" * 64, **changes: Any) -> Results:
    facts = {"log_loss": 0.5, "never_predicted": (), "parameters": 10, "training_seconds": 1.0, "milliseconds": 0.1}
    return Results("somewhere", fingerprint, np.array(right), **(facts | changes))


def entry(name: str, *right: list[bool] | np.ndarray, **changes: Any) -> Entry:
    return Entry(name, tuple(answers(one, **changes) for one in right))


def predictions(run: Run) -> np.ndarray:
    test = load_dataset(run.recipe.data).test
    assert test is not None
    return run.model.predict_proba(test).argmax(1) == run.model.targets(test)


@pytest.mark.slow
def test_runs_are_compared_by_their_own_answers_and_by_exact_tests(runs: list[Run]) -> None:
    found = compare([run.folder.path for run in runs[:3]])
    right = {str(run.folder.path): predictions(run) for run in runs[:3]}
    for row in found.rows:
        assert row.accuracy == pytest.approx(right[row.runs[0]].mean())
        run = next(run for run in runs if str(run.folder.path) == row.runs[0])
        assert run.evaluation is not None
        assert (row.low, row.high) == pytest.approx((run.evaluation.accuracy.low, run.evaluation.accuracy.high))
        assert row.parameters == sum(weight.numel() for weight in run.model.network.parameters())
        assert row.training_seconds == run.history[-1].seconds
        assert row.log_loss is not None
    origin = {row.name: row.runs[0] for row in found.rows}
    p_values = []
    for pair in found.pairs:
        first, second = right[origin[pair.first]], right[origin[pair.second]]
        table = [[0, (first & ~second).sum()], [(second & ~first).sum(), 0]]
        p_values.append(mcnemar(table, exact=True).pvalue)
        assert pair.difference.value == pytest.approx(first.mean() - second.mean())
        assert pair.difference.p == pytest.approx(p_values[-1])
    assert [pair.p_corrected for pair in found.pairs] == pytest.approx(multipletests(p_values, method="holm")[1])
    assert [row.accuracy for row in found.rows] == sorted((row.accuracy for row in found.rows), reverse=True)


def test_names_say_in_what_the_runs_differ(runs: list[Run]) -> None:
    names = {row.name for row in compare([run.folder.path for run in runs[:2]]).rows}
    assert names == {"digits/1 (rnn)", "digits/2 (gru)"}


def test_seeds_on_other_training_data_are_not_one_entry(runs: list[Run], tmp_path: Path) -> None:
    digits = load_dataset(runs[0].recipe.data)
    assert digits.test is not None
    half = replace(digits, train=digits.train.take(slice(None, None, 2)))
    other = train("digits", data=half, runs=tmp_path, cell="rnn", seed=1, **TINY)
    found = compare([runs[0].folder.path, other.folder.path, runs[1].folder.path], pool_seeds=True)
    assert len(found.rows) == 3


def test_nothing_is_fitted_beside_a_run_whose_data_have_changed(tmp_path: Path) -> None:
    rng, source, labels = np.random.default_rng(0), tmp_path / "own.npz", np.arange(60) % 2
    for test in (None, tmp_path / "test.npz"):
        for path in filter(None, (source, test)):
            np.savez(path, X=rng.normal(labels[:, None], 1, (60, 5)), y=labels)
        run = train(str(source), runs=tmp_path / "runs", test=None if test is None else str(test), **TINY)
        compare([run.folder.path], against=["sklearn:GaussianNB"])
        np.savez(source, X=rng.normal(labels[:, None], 1, (60, 5)), y=labels)
        with pytest.raises(MismatchError, match="training data are not those of"):
            compare([run.folder.path], against=["sklearn:GaussianNB"])


def test_runs_that_differ_by_their_seed_can_be_one_entry(runs: list[Run]) -> None:
    found = compare([run.folder.path for run in runs], pool_seeds=True)
    rows = {row.name: row for row in found.rows}
    assert set(rows) == {"rnn", "gru", "lstm"}
    assert len(rows["lstm"].runs) == 2
    assert rows["lstm"].deviation == pytest.approx(np.std(rows["lstm"].accuracies, ddof=1))
    assert rows["rnn"].deviation is None


def test_the_answers_that_a_run_kept_are_those_of_its_model(runs: list[Run]) -> None:
    assert (results_of_run(runs[0].folder.path)[0].right == predictions(runs[0])).all()


def test_the_sentence_says_whether_the_difference_is_one() -> None:
    rng = np.random.default_rng(0)
    good, bad = rng.random(300) < 0.95, rng.random(300) < 0.7
    found = compare_entries([entry("bad", bad), entry("good", good)])
    assert found.pairs[0].shown
    assert found.pairs[0].sentence.startswith("good is better than bad by ")
    assert found.verdict == "good is better than bad."
    equal = compare_entries([entry("a", good), entry("b", good)])
    assert "are equal on these sequences" in equal.pairs[0].sentence
    close = compare_entries([entry("a", good), entry("b", np.roll(good, 1)), entry("c", bad)])
    assert "not shown to be better than" in close.verdict
    assert "corrected for 3 comparisons" in close.pairs[0].sentence


@pytest.mark.parametrize("seed", range(60))
def test_the_report_and_a_comparison_tell_the_same_story(runs: list[Run], seed: int) -> None:
    """Of the same answers of the same two classifiers, whichever of them is better."""
    rng = np.random.default_rng(seed)
    cases = int(rng.integers(2, 500))
    table = rng.multinomial(cases, rng.dirichlet((8, 1, 1, 1)))
    network, regression = (np.repeat(answers, table) for answers in ([1, 1, 0, 0], [1, 0, 1, 0]))
    network, regression = network.astype(bool), regression.astype(bool)
    evaluation = runs[0].evaluation
    assert evaluation is not None
    over = difference(network[None], regression[None])
    found = replace(evaluation, cases=cases, accuracy=share(network), logistic=share(regression), over_logistic=over)
    said = words.beside(replace(found, majority=None, over_majority=None))
    compared = compare_entries([entry("network", network), entry("regression", regression)])
    assert ("The network is better than the logistic regression (" in said) == (
        compared.verdict == "network is better than regression."
    )
    assert ("The network is worse than the logistic regression (" in said) == (
        compared.verdict == "regression is better than network."
    )
    assert ("do not show that the network is better" in said) == (not compared.pairs[0].shown)
    assert p_text(compared.pairs[0].difference.p) in said


def test_other_data_are_refused_with_both_fingerprints_unless_unpaired(runs: list[Run], tmp_path: Path) -> None:
    other = train("digits", runs=tmp_path, split_seed=5, **TINY)
    paths = [runs[0].folder.path, other.folder.path]
    prints = [results_of_run(path)[0].fingerprint for path in paths]
    with pytest.raises(MismatchError, match=f"{prints[0][:12]}.*{prints[1][:12]}.*--unpaired"):
        compare(paths)
    found = compare(paths, unpaired=True)
    assert found.pairs[0].difference.test == "Fisher's exact test"
    assert found.fingerprints == tuple(prints)
    assert "independent samples" in found.notes[0]


def test_runs_that_cannot_be_compared_are_refused(runs: list[Run], tmp_path: Path) -> None:
    path = runs[0].folder.path
    with pytest.raises(ConfigError, match="at least two"):
        compare([path])
    with pytest.raises(RunError, match="named twice"):
        compare([path, path.parent / "." / path.name])
    with pytest.raises(RunError, match="not a run's folder"):
        compare([path, tmp_path])
    halted = shutil.copytree(path, tmp_path / "halted")
    shutil.rmtree(halted / "model")
    with pytest.raises(RunError, match=r"is not finished; go on with it by `unrolled train --resume"):
        compare([path, halted])
    damaged = shutil.copytree(path, tmp_path / "damaged")
    (damaged / "evaluation.json").write_text("{")
    with pytest.raises(RunError, match="are damaged"):
        compare([path, damaged])
    untested = train("digits", runs=tmp_path, test_fraction=0, **TINY)
    with pytest.raises(DataError, match="without test data"):
        compare([path, untested.folder.path])


def test_probabilities_that_are_nan_are_said(runs: list[Run], tmp_path: Path) -> None:
    path = shutil.copytree(runs[0].folder.path, tmp_path / "nan")
    (kept,) = results_of_run(runs[1].folder.path)
    figures = json.loads((path / "evaluation.json").read_text()) | {"fingerprint": kept.fingerprint}
    (path / "evaluation.json").write_text(json.dumps(figures))
    save_outcomes(path / "predictions.npz", np.zeros(359, np.int64), np.full((359, 10), np.nan, np.float32))
    with pytest.raises(RunError, match="NaN"):
        compare([runs[1].folder.path, path])


def test_figures_that_are_no_numbers_are_said_and_not_written(tmp_path: Path) -> None:
    good = [True] * 9 + [False]
    found = compare_entries(
        [entry("nan", good, log_loss=np.nan), entry("inf", good, log_loss=np.inf, never_predicted=("b",))]
    )
    assert any("log loss is NaN" in note for note in found.notes)
    assert any("log loss is infinite" in note for note in found.notes)
    assert any("inf never predicts 'b'" in note for note in found.notes)
    write_comparison(found, tmp_path / "out")
    content = json.loads(
        (tmp_path / "out" / "comparison.json").read_text(), parse_constant=lambda name: pytest.fail(name)
    )
    assert content["rows"][0]["log_loss"] is None
    assert_drawn((tmp_path / "out" / "comparison.png").read_bytes())


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_certain_probabilities_have_a_log_loss(certain: float) -> None:
    targets = np.array([0, 1, 1])
    probabilities = np.eye(2)[targets if certain else 1 - targets]
    found = judge(
        "x",
        "f",
        targets,
        probabilities.argmax(1),
        probabilities[np.arange(3), targets],
        ["a", "b"],
        parameters=None,
        training_seconds=None,
        test_seconds=1,
    )
    assert found.log_loss == (0 if certain else np.inf)


def test_a_class_without_test_cases_and_one_never_predicted_are_told_apart() -> None:
    targets, said = np.array([0, 0, 1]), np.array([0, 0, 0])
    found = judge(
        "x", "f", targets, said, None, ["a", "b", "c"], parameters=None, training_seconds=None, test_seconds=1
    )
    assert found.never_predicted == ("b",)
    assert found.log_loss is None


@pytest.mark.parametrize("seeds", [1, 2])
def test_of_one_test_case_nothing_is_claimed(seeds: int) -> None:
    found = compare_entries([entry("a", *[[True]] * seeds), entry("b", *[[False]] * seeds)])
    assert not found.pairs[0].shown
    assert_drawn(to_png(draw_comparison(found)))
    assert "not shown" in to_markdown(found)


def test_a_thousand_classes_are_no_more_work() -> None:
    rng = np.random.default_rng(0)
    classes = [f"class {n}" for n in range(1000)]
    targets = rng.permutation(2000) % 1000
    made = []
    for name, part in (("a", 0.5), ("b", 0.2)):
        said = np.where(rng.random(2000) < part, targets, 0)
        one = judge(name, "f", targets, said, None, classes, parameters=None, training_seconds=None, test_seconds=1)
        made.append(Entry(name, (one,)))
    found = compare_entries(made)
    assert found.pairs[0].shown
    assert all(len(note) < 200 for note in found.notes)


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="called 'a'"):
        compare_entries([entry("a", [True]), entry("a", [True])])


@pytest.mark.parametrize("count", [2, 5, 12])
def test_the_picture_has_a_row_for_each_entry(count: int) -> None:
    rng = np.random.default_rng(0)
    made = [entry(f"a ${n} name that is rather long, all in all", *(rng.random((3, 99)) < 0.8)) for n in range(count)]
    found = compare_entries(made)
    figure = draw_comparison(found)
    assert len(figure.axes[0].get_yticklabels()) == count
    assert to_png(figure) == to_png(draw_comparison(found))
    assert to_markdown(found).count("\n| a $") == count + min(count * (count - 1) // 2, 15 if count < 7 else count - 1)


# Classifiers of another kind


def dataset(ragged: bool = False) -> Dataset:
    rng = np.random.default_rng(0)

    def some(count: int) -> Sequences:
        lengths = rng.integers(3, 7, count) if ragged else np.full(count, 5)
        labels = np.arange(count) % 2
        arrays = [rng.normal(label, 0.5, (length, 2)) for length, label in zip(lengths, labels, strict=True)]
        return Sequences.from_list(arrays, ["ab"[label] for label in labels], classes=["a", "b"])

    return Dataset("some", some(40), some(12), some(30), "")


def test_a_classifier_of_scikit_learn_takes_part_as_it_does_by_itself(runs: list[Run]) -> None:
    found = compare([runs[0].folder.path], against=["sklearn:KNeighborsClassifier,n_neighbors=3"])
    row = next(row for row in found.rows if row.name == "KNeighborsClassifier n_neighbors=3")
    data = load_dataset(runs[0].recipe.data)
    assert data.validation is not None
    assert data.test is not None
    parts = (data.train, data.validation, data.test)
    tables = [np.stack([part.scaled(index).ravel() for index in range(len(part))]) for part in parts]
    labels = np.concatenate([data.train.targets, data.validation.targets])
    pipeline = make_pipeline(StandardScaler(), KNeighborsClassifier(3)).fit(np.concatenate(tables[:2]), labels)
    assert row.accuracy == pytest.approx(pipeline.score(tables[2], data.test.targets))


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("RandomForestClassifier", ConfigError, "expected sklearn:NAME"),
        ("sklearn:RandomForrestClassifier", UnknownNameError, "Did you mean 'RandomForestClassifier'"),
        ("sklearn:os.system", UnknownNameError, "no classifier of scikit-learn 'os.system'"),
        ("sklearn:LinearRegression", UnknownNameError, "no classifier"),
        ("sklearn:VotingClassifier", ConfigError, "made of other classifiers"),
        ("sklearn:SVC,kernle=rbf", UnknownNameError, "Did you mean 'kernel'"),
        ("sklearn:SVC,rbf", ConfigError, "no parameter"),
        ("sklearn:SVC,C=-1", ConfigError, "cannot be fitted"),
        ("sklearn:SVC,C=__import__('os')", ConfigError, "cannot be fitted"),
    ],
)
def test_what_is_no_classifier_is_refused(text: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        fit_reference(named_reference(text), dataset())


class Nearest:
    """A classifier that knows nothing of scikit-learn: the nearer of two means."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> None:
        self.shape = X.shape
        self.means = {label: X[y == label].mean(0) for label in np.unique(y)}

    def predict(self, X: np.ndarray) -> list[str]:
        return [min(self.means, key=lambda label: float(((row - self.means[label]) ** 2).sum())) for row in X]


@pytest.mark.parametrize(
    ("features", "ragged", "shape"),
    [
        ("auto", False, (52, 10)),
        ("auto", True, (52, 13)),
        ("summary", False, (52, 13)),
        ("flattened", True, (52, 12)),
        ("padded", True, (52, 6, 2)),
        ("channels-first", False, (52, 2, 5)),
    ],
)
def test_any_object_with_fit_and_predict_takes_part(features: Any, ragged: bool, shape: tuple[int, ...]) -> None:
    classifier = Nearest()
    found = fit_reference(ReferenceClassifier("nearest", classifier, features), dataset(ragged))
    assert classifier.shape == shape
    assert found.right.shape == (1, 30)
    assert found.right.mean() > 0.8
    assert found.results[0].log_loss is None


def test_a_reference_can_make_its_own_features() -> None:
    classifier = Nearest()
    fit_reference(
        ReferenceClassifier("nearest", classifier, lambda part: np.stack([steps.mean(0) for steps in part])),
        dataset(True),
    )
    assert classifier.shape == (52, 2)


def texts(words: list[str], labels: list[str]) -> Sequences:
    found = from_texts(words, "characters")
    places = [sorted(set(labels)).index(label) for label in labels]
    return replace(found, labels=np.array(places), classes=tuple(sorted(set(labels))))


def test_of_text_the_tokens_are_counted_as_scikit_learn_counts_them() -> None:
    """Also where the test text has other characters, or gives the same ones other codes."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abc" if n % 2 else "bcd"), rng.integers(2, 6))) for n in range(40)]
    labels = ["no", "yes"] * 20
    data = Dataset("words", texts(words[:20], labels[:20]), texts(words[20:30], labels[20:30]), None, "")
    test = ["cab", "zdc", "bad", "ccc"]
    classifier = KNeighborsClassifier(3)
    found = fit_reference(
        ReferenceClassifier("3", classifier), replace(data, test=texts(test, ["yes", "no", "no", "yes"]))
    )
    counter = CountVectorizer(analyzer="char").fit(words[:20])
    own = KNeighborsClassifier(3).fit(counter.transform(words[:30]).toarray(), labels[:30])
    expected = own.predict(counter.transform(test).toarray()) == np.array(["yes", "no", "no", "yes"])
    assert (found.right[0] == expected).all()
    with pytest.raises(ConfigError, match="these sequences are numbers"):
        fit_reference(ReferenceClassifier("3", classifier, "tokens"), dataset())


def test_padding_stands_behind_the_last_step_and_is_zero() -> None:
    from unrolled.baselines.features import padded

    part = Sequences.from_list([[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]])
    assert padded(part, 2).tolist() == [[[1, 2], [0, 0]], [[3, 4], [5, 6]]]


def test_a_random_reference_is_fitted_for_each_seed_and_a_certain_one_once() -> None:
    forest = ReferenceClassifier("forest", RandomForestClassifier(n_estimators=3))
    assert len(fit_reference(forest, dataset(), seeds=[0, 1, 2]).results) == 3
    assert len(fit_reference(ReferenceClassifier("nearest", Nearest()), dataset(), seeds=[0, 1, 2]).results) == 1
    one, other = (fit_reference(forest, dataset(), seeds=[4]).results[0].right for _ in range(2))
    assert (one == other).all()


def test_the_former_name_of_reference_classifiers_still_works() -> None:
    assert unrolled.Rival is unrolled.ReferenceClassifier is ReferenceClassifier


def test_references_need_test_sequences() -> None:
    data = dataset()
    with pytest.raises(DataError, match="held out for the test"):
        fit_reference(ReferenceClassifier("nearest", Nearest()), Dataset("some", data.train, None, None, ""))


def test_the_comparison_is_a_value() -> None:
    found = compare_entries([entry("a", [True, False]), entry("b", [True, True])])
    assert isinstance(found, Comparison)
    assert json.loads(json.dumps(found.to_dict()))["schema_version"] == 1


def test_a_run_that_learned_some_of_its_test_sequences_is_told_apart(fresh: Path) -> None:
    rng = np.random.default_rng(0)
    values, labels = rng.normal(size=(60, 5)), ["a", "b"] * 30
    np.savez("own.npz", X=values, y=labels)
    np.savez("test.npz", X=np.concatenate([values[:3], rng.normal(size=(9, 5))]), y=["a", "b"] * 6)
    for seed in (0, 1):
        train("own.npz", test="test.npz", seed=seed, max_epochs=1, hidden_size=2, report=False)
    notes = compare(["runs/own/1", "runs/own/2"]).notes
    assert len([note for note in notes if "3 of its test sequences also stand in its training" in note]) == 2
