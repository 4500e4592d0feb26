"""scikit-learn's interface: `SequenceClassifier`, with the same training and the same predictions as elsewhere.

classifier.py    the constructor, with every parameter; written by scripts/write_estimator.py
base.py          fitting and predicting
inputs.py        the forms of X and y, and the weights of the sequences
parameters.py    the fields of the configuration that are parameters
recording.py     the entries of a classifier in its model folder and its pickle
"""

from unrolled.estimator.classifier import SequenceClassifier

__all__ = ["SequenceClassifier"]
