"""scikit-learn's interface: `SequenceClassifier`, over the same loop and the same model as the rest.

classifier.py    the constructor, with every parameter; written by scripts/write_estimator.py
base.py          fitting and predicting
inputs.py        X and y in all the forms they may have, and the weights of the sequences
parameters.py    which fields of the configuration are parameters
recording.py     what a model folder and a pickle keep of a classifier
"""

from unrolled.estimator.classifier import SequenceClassifier

__all__ = ["SequenceClassifier"]
