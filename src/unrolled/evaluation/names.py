"""The figures of an evaluation by name and meaning, in one order, for the page, the command line and notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unrolled.errors import shortened
from unrolled.statistics import Figure, Proportion

if TYPE_CHECKING:
    from unrolled.evaluation.evaluation import Evaluation

Meaning = str

SEEN = {
    "flattened": "all values",
    "bands": "summaries of parts",
    "ngrams": "runs of letters",
    "summary": "summaries of the channels",
    "tokens": "the count of each token",
}
"""The input of a logistic regression, in words."""


def accuracies(found: Evaluation, most: int = 40) -> dict[str, Proportion]:
    """The accuracy of the network and of each baseline.

    Args:
        found: the figures.
        most: letters of the majority class that are shown at most.
    """
    named = {"this network" if found.cross_validation is None else "such networks": found.accuracy}
    named |= {f"regression on {SEEN[one.features]}": one.accuracy for one in found.regressions}
    if found.majority is not None:
        named[f"always {shortened(found.majority_class or '', most)!r}"] = found.majority
    return named


def further_shares(found: Evaluation) -> dict[str, tuple[Proportion, Meaning]]:
    """Accuracies of another kind."""
    return {f"top {k}": (share, f"a true class among the {k} most probable") for k, share in found.top.items()}


def further_figures(found: Evaluation) -> dict[str, tuple[Figure, Meaning]]:
    """The figures that are no shares of sequences."""
    quality = found.quality
    return {
        "balanced accuracy": (found.balanced_accuracy, "mean recall of the classes"),
        "macro F1": (found.macro_f1, "mean F1 of the classes"),
        "area under the ROC curve": (found.roc_auc, "how well the probabilities rank; 0.5 is chance, 1 the best"),
        "log loss": (quality.log_loss, "mean −log (natural) of the true class's probability; 0 is best"),
        "Brier score": (quality.brier, "mean squared distance of the probabilities from the true class; 0 is best"),
        "calibration error": (quality.calibration_error, "mean distance of confidence and accuracy; 0 is best"),
    }
