"""scikit-learn's interface: `SequenceClassifier`, over the same loop and the same model as the rest.

parameters.py    the constructor's parameters, which are the configuration's fields
inputs.py        X and y in all the forms they may have, and the weights of the cases
classifier.py    the classifier itself
"""

from unrolled.estimator.classifier import SequenceClassifier

__all__ = ["SequenceClassifier"]
