"""Means and deviations are NumPy's, of what is there, however the sequences lie in memory."""

from __future__ import annotations

import numpy as np
import pytest

from unrolled.data.checks import value_range
from unrolled.data.sequences import Sequences
from unrolled.preparation.statistics import channel_statistics, overall_statistics


def sequences(missing: float, offset: float = 0.0) -> Sequences:
    random = np.random.default_rng(0)
    rows = [random.normal([0, 5, -3], [1, 2, 30], (length, 3)) + offset for length in (3, 40, 1, 17, 8)]
    return Sequences.from_list([np.where(random.random(row.shape) < missing, np.nan, row) for row in rows])


@pytest.mark.parametrize("missing", [0.0, 0.4])
@pytest.mark.parametrize("offset", [0.0, 1e5])
@pytest.mark.parametrize("chunk", [4, 65_536])
def test_statistics_are_numpys_over_what_is_there(missing, offset, chunk, monkeypatch) -> None:
    monkeypatch.setattr("unrolled.data.sequences.BLOCK_STEPS", chunk)
    whole = sequences(missing, offset)
    for chosen in (whole, whole.take(np.array([3, 0, 4]))):
        values = np.concatenate(list(chosen)).astype(np.float64)
        mean, deviation = channel_statistics(chosen)
        np.testing.assert_allclose(mean, np.nanmean(values, 0), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(deviation, np.nanstd(values, 0), rtol=1e-9)
        mean, deviation = overall_statistics(chosen)
        np.testing.assert_allclose(mean, np.full(3, np.nanmean(values)), rtol=1e-9)
        np.testing.assert_allclose(deviation, np.full(3, np.nanstd(values)), rtol=1e-9)
        real = values if chosen.offsets is None else values + chosen.offsets
        assert value_range(chosen) == (np.nanmin(real), np.nanmax(real))


def test_bytes_are_scaled_and_a_channel_without_values_is_zero() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 2), dtype=np.uint8)
    stored = Sequences.from_steps(pixels, [10, 20], scale=1 / 255)
    mean, deviation = channel_statistics(stored)
    np.testing.assert_allclose(mean, (pixels / 255).mean(0))
    np.testing.assert_allclose(deviation, (pixels / 255).std(0))
    np.testing.assert_allclose(value_range(stored), (pixels.min() / 255, pixels.max() / 255))
    empty = Sequences.from_list([[[1.0, np.nan], [3.0, np.nan]]])
    assert [part.tolist() for part in channel_statistics(empty)] == [[2.0, 0.0], [1.0, 0.0]]
