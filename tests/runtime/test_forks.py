"""A forked child computes, whatever its parent has computed before."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = r"""
import multiprocessing, numpy as np, torch
from unrolled import SequenceClassifier
torch.set_num_threads(2)
y = np.arange(24) % 2
X = (np.random.default_rng(0).normal(size=(24, 12, 2)) + y[:, None, None]).astype(np.float32)
small = SequenceClassifier(hidden_size=8, max_epochs=2, random_state=0)
model = SequenceClassifier(hidden_size=96, max_epochs=2, random_state=0, threads=2).fit(X, y)
(torch.ones(300, 300) @ torch.ones(300, 300)).sum()  # OpenMP's threads now wait for work

def child(what):
    if what == "torch":
        return (torch.ones(300, 300) @ torch.ones(300, 300)).numpy()
    return (model if what == "predict" else small.fit(X, y)).predict_proba(X)

with multiprocessing.get_context("fork").Pool(1) as pool:
    found = pool.map_async(child, ["torch", "predict", "fit"]).get(60)
for ours, its in zip(map(child, ["torch", "predict", "fit"]), found):
    assert np.array_equal(ours, its)
print("answered", torch.get_num_threads())
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_answers_with_the_same_bits() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "answered 2", done.stderr
