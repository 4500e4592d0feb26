"""The fitted start, a kind of model of its own: an untrained recurrence with an output layer in closed form.

A recurrence that is drawn at random already separates sequences (reservoir computing: Jaeger 2001, "The echo state
approach"; for classification: Bianchi et al. 2018, arXiv 1803.07870; random filters of time series: Dempster et al.
2020, "ROCKET", arXiv 1910.13051). So only the output layer is fitted, by ridge regression on the pooled outputs of the
recurrence. That takes seconds, and on small problems it is hard to improve on.

The method ``fitted`` stops there; ``trained`` leaves the choice of the weights to training by gradients alone; ``auto``
fits, trains from there, and keeps the fitted start unless the best epoch is significantly better on sequences that
training has not seen.

filters.py    the random filters of the first layer, scaled to the data
counted.py    the regression on n-grams of a text
ridge.py      the output layer in closed form
aside.py      which training sequences are set aside where there is no validation data
challenge.py  when the fitted start is kept, and what training has to show to replace it
methods.py    a network and its training by the method that a recipe asks for
"""

from unrolled.readout.methods import Training, go_on, set_up
from unrolled.readout.ridge import start_readout

__all__ = [
    "Training",
    "go_on",
    "set_up",
    "start_readout",
]
