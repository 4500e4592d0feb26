"""Normalisation of each channel by its statistics over the training data."""

from __future__ import annotations

from unrolled.preparation.normalisation.normaliser import Normaliser


class ChannelNormaliser(Normaliser):
    """Subtracts each channel's mean over the training data and divides by its deviation."""
