"""Counts of runs of tokens, compared with scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer

from unrolled import SequenceClassifier, Sequences
from unrolled.config import DataConfig
from unrolled.data.batches import Batcher
from unrolled.errors import UnsupportedError
from unrolled.export.network import to_onnx
from unrolled.nn import NGrams
from unrolled.preparation import learn_preprocessor

TEXTS = ["Anna", "ana", "b", "banana split", "Übung", "no na"]


def coded(texts: list[str]) -> Sequences:
    own = Sequences.from_list(texts, [0, 1] * (len(texts) // 2), tokens="characters")
    return learn_preprocessor(own, DataConfig(tokens="characters"))(own)


@pytest.mark.parametrize("longest", [1, 4])
def test_texts_are_as_alike_as_scikit_learn_says(longest: int) -> None:
    """The products of all pairs of rows are those of its weighted counts: the places of a table do not matter."""
    texts = coded(TEXTS)
    part = NGrams(len(texts.symbols or ()), 2, longest)
    part.fold(texts.symbols or ())
    batch = Batcher(texts).batch(np.arange(len(texts)))
    rows, columns, _ = part.counts(batch.inputs, batch.lengths)
    number = torch.bincount(columns, minlength=part.columns)
    assert len(rows) == len(set(zip(rows.tolist(), columns.tolist(), strict=True)))
    part.rarity.copy_(torch.log((1 + len(TEXTS)) / (1 + number)) + 1)
    rows, columns, values = part(batch.inputs, batch.lengths)
    found = csr_array((values, (rows, columns)), shape=(len(TEXTS), part.columns))
    peer = TfidfVectorizer(analyzer="char", ngram_range=(1, longest), sublinear_tf=True, lowercase=False)
    expected = peer.fit_transform([f"\x02{text.lower()}\x02" for text in TEXTS])
    np.testing.assert_allclose((found @ found.T).toarray(), (expected @ expected.T).toarray(), rtol=1e-5, atol=1e-6)


def test_a_text_is_read_alike_alone_and_beside_longer_ones() -> None:
    texts = coded(TEXTS)
    part = NGrams(len(texts.symbols or ()), 2, 4)
    part.weights.normal_(generator=torch.Generator().manual_seed(0))
    together = Batcher(texts).batch(np.arange(len(texts)))
    beside = part.logits(together.inputs, together.lengths)
    assert beside is not None
    for row in range(len(texts)):
        alone = Batcher(texts).batch(np.array([row]))
        torch.testing.assert_close(part.logits(alone.inputs, alone.lengths), beside[row : row + 1])


def test_texts_of_runs_are_told_apart_and_an_export_says_why_there_is_none() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    texts = ["".join(rng.choice(list("abcd"), 12)) + ("xy" if label else "yx") for label in y]
    texts = ["".join(np.roll(list(text), 2 * rng.integers(7))) for text in texts]  # anywhere
    classifier = SequenceClassifier(method="fitted", hidden_size=8, random_state=0).fit(texts[:40], y[:40])
    assert classifier.score(texts[40:], y[40:]) > 0.8
    with pytest.raises(UnsupportedError, match="runs of tokens"):
        classifier.model_.stream()
    with pytest.raises(UnsupportedError, match="--skip-ngrams 0"):
        to_onnx(classifier.model_)
