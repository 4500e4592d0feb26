"""Recurrent sequence classifiers."""
