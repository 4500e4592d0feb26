"""Honest figures: metrics, the evaluation of a model, plots."""
