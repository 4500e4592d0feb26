"""The C's tanh and sigmoid are right, and their coefficients are those that the script finds."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import torch

from unrolled.nn.cells.lstm import LSTM
from unrolled.nn.cells.simple import SimpleRNN
from unrolled.nn.compiled.library import FOLDER
from unrolled.nn.compiled.unrolling import carry

ROOT = Path(__file__).parents[3]
X = torch.cat([torch.linspace(-12, 12, 100_001), torch.tensor([1e-6, -1e-3, 7.99, 8.01, 90.0, -1e30])])
ONE_STEP = torch.ones(len(X), dtype=torch.int64)


def test_tanh_is_right(level) -> None:
    cell = SimpleRNN(1, 1)  # h = tanh(W x + b)
    with torch.no_grad():
        for weight, value in ((cell.W, 1.0), (cell.U, 0.0), (cell.b, 0.0)):
            weight.fill_(value)
        found = carry(cell, X[:, None, None], ONE_STEP, reads="last").read[:, 0].double()
    exact = X.double().tanh()
    assert (found - exact).abs().max() < 5e-7
    assert ((found - exact) / exact).abs()[exact != 0].max() < 5e-7
    assert found.abs().max() <= 1


def test_sigmoid_is_right(level) -> None:
    cell = LSTM(1, 1)  # c = σ(W_i x) tanh(b_g), with a tanh(b_g) of 1
    with torch.no_grad():
        cell.W.copy_(torch.tensor([[1.0], [0.0], [0.0], [0.0]]))
        cell.U.zero_()
        cell.b.copy_(torch.tensor([0.0, 0.0, 20.0, 0.0]))
        found = carry(cell, X[:, None, None], ONE_STEP, reads="last").state[1][:, 0].double()
    assert (found - X.double().sigmoid()).abs().max() < 1e-6


def test_the_coefficients_are_those_that_the_script_finds() -> None:
    fit = runpy.run_path(str(ROOT / "scripts" / "fit_tanh.py"))["fit"]()
    source = (FOLDER / "vectors.h").read_text(encoding="utf-8")
    for name, expected in (("p", fit.p), ("q", fit.q)):
        lines = re.findall(rf"\b{name} = (?:all\(|{name} \* s \+ )([-\d.e]+)f", source)
        np.testing.assert_allclose([float(line) for line in lines], expected[::-1], rtol=1e-5)
    assert fit.error < 2e-8
