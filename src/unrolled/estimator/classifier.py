"""`SequenceClassifier`: a recurrent network wherever scikit-learn takes a classifier.

Written by scripts/write_estimator.py from the configuration; change it there.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from unrolled.config import (
    CellName,
    InitializerName,
    KeptSteps,
    MethodName,
    MissingName,
    NormalisationName,
    OutputInitializerName,
    PoolingName,
    TokenKind,
)
from unrolled.estimator.base import BaseSequenceClassifier
from unrolled.estimator.inputs import ClassWeight


class SequenceClassifier(BaseSequenceClassifier):
    """A recurrent classifier of sequences, with scikit-learn's interface.

    X may be a list with an array [T_i, F] or [T_i] for each sequence, an array [N, T, F], a table [N, T] (an array or a
    data frame with two axes, each row a sequence of one channel), a list of texts, or `Sequences`. The items of a list
    are sequences, even if all have the same length: after a fit on a table, arrays need the same number of columns,
    while the items of a list may have any length. Tensors and data frames count as arrays; a data frame may also have a
    row a step (an index of two levels, or columns ``id`` and ``time``) or a sequence in each cell. Steps of NaN at the
    end of an array's rows are padding. The parameters are fields of the configuration, with its meanings.

    The training reads each distinct sequence once per epoch, weighted by its number of repetitions: the order of the
    sequences does not matter, and an integer weight is exactly a repetition. With the default, a readout fitted in
    closed form, a quarter of the sequences (at most about 1,000) is set aside to test whether training is significantly
    better; if it is not, the model is the fitted start on all sequences. With ``method="fitted"`` there is no training;
    with ``method="trained"`` nothing is set aside. ``fit`` takes validation sequences, for the choice of the best
    weights, as ``validation``.

    Parameters
    ----------
    tokens : TokenKind | None, default=None
        The steps of a text: its characters; its words, as spaces part them; or its plain words, in lower case
        and apart from punctuation marks (default: words if there are spaces).
    window : int | str | None, default=None
        Long recordings are cut into windows of so many steps, or of a time such as 2.5s, and each window gets a
        label; the label column may then change within a recording.
    stride : int | str | None, default=None
        Windows: from the start of one to the start of the next, in steps or as a time (default: half a window).
    max_length : int | None, default=None
        Largest number of steps; a longer sequence is cut.
    keep_steps : KeptSteps, default='first'
        The steps that a cut sequence keeps (max_length): the first or the last.
    cell : CellName, default='lstm'
        The recurrent cell.
    hidden_size : int, default=96
        Units per layer and direction, H.
    num_layers : int, default=1
        Number of stacked layers, L.
    bidirectional : bool, default=True
        Read the sequence in both directions.
    frame_steps : int | Literal["auto"], default='auto'
        Consecutive steps that are read together as one frame; auto: the fewest with which the longest training
        sequence has at most 512 frames.
    context_steps : int, default=16
        Each step is read together with the steps 1, 2, 4, … up to this many before and after it; 0 for none.
    pooling : PoolingName, default='statistics'
        How the outputs of all steps become one vector; statistics: mean, max, min, standard deviation and last
        output of each unit, and three measures of its changes, side by side.
    skip_segments : int, default=32
        Segment means: the readout also reads the mean of each of this many equal parts of the sequence, past
        the recurrence; 0 for none.
    skip_convolutions : int | Literal["auto"], default='auto'
        Statistics of random convolutions with 1, 2, 4, … steps between their taps: the readout also reads how
        often and how strongly many fixed patterns occur, past the recurrence; the number of these distances, 0
        for none; auto: as many as the longest training sequence has room for, at most 8.
    skip_ngrams : int | Literal["auto"], default='auto'
        Text: the readout also reads how often each run of up to this many tokens occurs, past the recurrence; 0
        for none; auto: 4 characters, or 2 words.
    dropout : float, default=0.0
        Dropout rate between layers.
    recurrent_dropout : float, default=0.0
        Dropout rate of the state in the recurrence, with the same mask at every step.
    output_dropout : float, default=0.0
        Dropout rate before the readout.
    recompute_gates : bool, default=False
        Compute the gates again for the gradients instead of storing them: less memory for long sequences, about
        a third more time (compiled kernel only).
    forget_bias : float, default=1.0
        Initial bias of the LSTM's forget gate.
    memory_steps : int | None, default=None
        Initialise the gates of an LSTM or GRU so that its units remember 1 to this many steps; replaces
        forget_bias.
    embedding_size : int | None, default=None
        Text: size of the vector of each token (default: from the size of the vocabulary).
    missing : MissingName, default='none'
        What happens to missing values: an error (none), the last value before (forward-fill), the channel's
        mean (mean), or forward-fill with a mask and the time since the last value as further channels (mask).
    normalisation : NormalisationName, default='channel'
        Subtract a mean and divide by a standard deviation: of each channel over the training data (channel), of
        all channels together (overall), of each channel over the sequence itself (sequence), or not at all
        (none); for heavy tails, subtract the median and divide by the deviation that the quartiles show
        (robust), and take a logarithm that keeps the sign (signed-log).
    initializer : InitializerName, default='filters'
        How the recurrent weights are initialised; filters: each unit has its own random filter of a step and
        its context (context_steps).
    output_initializer : OutputInitializerName, default='ridge'
        How the readout is initialised; ridge: fitted in closed form, by ridge regression on the outputs of the
        untrained recurrence.
    time_shift : int, default=0
        Largest random shift in time, in steps; the first or last step is repeated.
    shuffle_steps : bool, default=False
        Read the steps in a new random order in each epoch, for labels that do not depend on the order.
    value_scale : float, default=0.0
        Standard deviation of a random factor for each channel.
    noise : float, default=0.0
        Standard deviation of the added noise, in units of the normalised values.
    rotation : float, default=0.0
        Pictures: largest random rotation, in degrees.
    zoom : float, default=0.0
        Pictures: largest random change of size, as a share.
    shear : float, default=0.0
        Pictures: largest random shear, in degrees.
    translate : float, default=0.0
        Pictures: largest random shift along each axis, in pixels.
    elastic : float, default=0.0
        Pictures: standard deviation of a smooth random displacement, in pixels.
    method : MethodName, default='auto'
        How the weights are found: a readout in closed form on an untrained recurrence, without training
        (fitted); by gradients (trained); or in closed form first, if output_initializer is ridge, and by
        gradients where the result is significantly better (auto).
    max_epochs : int | None, default=None
        Length of the training, in epochs (default 60, and at least 200 updates).
    max_steps : int | None, default=None
        Length of the training, in updates of the weights.
    max_sequences : int | None, default=None
        Length of the training, in sequences read, repetitions included.
    time_limit : float | None, default=None
        Stop after this time of training, such as 5m, 1h30m or a number of seconds, over all resumptions; a
        schedule is then cut short.
    batch_size : int, default=32
        Sequences in a batch, B.
    shards : int, default=1
        Parts of a batch whose gradients are computed alone and added in one order, a power of two, so that as
        many workers at most give the same bits (default 1, and 8 with --workers).
    last_batch : Literal["keep", "drop", "wrap"], default='keep'
        The rest of an epoch that does not fill a batch: a smaller batch (keep), left out (drop), or filled up
        from the next epoch (wrap).
    optimizer : Literal["adamw", "adam", "sgd", "rmsprop"], default='adamw'
        The optimisation algorithm.
    learning_rate : float, default=0.0002
        The learning rate; with a schedule, the largest one.
    momentum : float, default=0.9
        Momentum of sgd and rmsprop.
    beta1 : float, default=0.9
        Decay of Adam's mean of gradients.
    beta2 : float, default=0.999
        Decay of Adam's mean of squared gradients.
    epsilon : float, default=1e-08
        Adam's and RMSprop's guard against division by zero.
    weight_decay : float, default=0.01
        Decay of the weight matrices; biases are exempt.
    schedule : Literal["one-cycle", "cosine", "constant"], default='one-cycle'
        How the learning rate changes during training.
    warmup_fraction : float, default=0.2
        Share of the training in which the learning rate rises.
    clip_norm : float, default=1.0
        Largest norm of the gradient; a longer gradient is scaled down to it; 0 for no limit.
    average_decay : float, default=0.0
        Decay per update of a moving average of the weights, which the model then uses; 0 for none.
    loss : Literal["mean", "sum"], default='mean'
        Cross-entropy of a batch: the mean or the sum over its sequences.
    probability_floor : float, default=0.0
        Smallest probability in the loss; smaller ones count as this.
    label_smoothing : float, default=0.0
        Share of each target that is spread over all classes.
    monitor : Literal["loss", "accuracy"], default='loss'
        The validation metric that decides which weights are best.
    patience : int | Literal["auto"] | None, default='auto'
        Stop after this many epochs without a better validation metric; auto: a quarter of all epochs (a half
        where there is no fitted start to keep instead), at least 10, where there are validation sequences.
    keep : Literal["best", "last"], default='best'
        The weights that become the model: the best on the validation data, or the last.
    calibrate : bool, default=False
        Fit the temperature of the probabilities to the validation data after training.
    precision : Literal["float32", "bfloat16"], default='float32'
        Number format of the matrix products; bfloat16 needs a GPU.
    threads : int | None, default=None
        CPU threads (default: one if a step is too small to share, otherwise all).
    device : str, default='auto'
        Where to compute: auto, cpu, cuda or cuda:N.
    cuda_graphs : bool, default=True
        On a GPU, capture training steps as CUDA graphs and replay them.
    class_weight : ClassWeight, default=None
        Weight of each class by its label, 'balanced', or None for equal weights.
    random_state : int | np.random.RandomState | None, default=None
        Seed of everything random: a number, a RandomState, or None for a new seed in each fit.
    warm_start : bool, default=False
        Whether fit goes on from the weights of the last fit.
    verbose : bool, default=False
        Whether to print a line after each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (C,)
        The labels, sorted, in the dtype of y.
    n_features_in_ : int
        Number of channels; for a table, number of columns.
    history_ : dict of str to list
        The figures of all epochs, a list for each figure, such as ``history_["train_loss"]``.
    model_ : Model
        The trained model, for everything outside scikit-learn's interface. All predictions are made by it.

    Examples
    --------
    >>> import numpy as np
    >>> from unrolled import SequenceClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(40) % 2
    >>> X = [rng.normal(2 * label, 1, (rng.integers(5, 20), 3)) for label in y]  # 5 to 19 steps of 3 channels
    >>> classifier = SequenceClassifier(hidden_size=8, max_steps=20, random_state=0).fit(X, y)
    >>> classifier.predict(X[:4])
    array([0, 1, 0, 1])
    """

    def __init__(
        self,
        *,
        tokens: TokenKind | None = None,
        window: int | str | None = None,
        stride: int | str | None = None,
        max_length: int | None = None,
        keep_steps: KeptSteps = "first",
        cell: CellName = "lstm",
        hidden_size: int = 96,
        num_layers: int = 1,
        bidirectional: bool = True,
        frame_steps: int | Literal["auto"] = "auto",
        context_steps: int = 16,
        pooling: PoolingName = "statistics",
        skip_segments: int = 32,
        skip_convolutions: int | Literal["auto"] = "auto",
        skip_ngrams: int | Literal["auto"] = "auto",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        output_dropout: float = 0.0,
        recompute_gates: bool = False,
        forget_bias: float = 1.0,
        memory_steps: int | None = None,
        embedding_size: int | None = None,
        missing: MissingName = "none",
        normalisation: NormalisationName = "channel",
        initializer: InitializerName = "filters",
        output_initializer: OutputInitializerName = "ridge",
        time_shift: int = 0,
        shuffle_steps: bool = False,
        value_scale: float = 0.0,
        noise: float = 0.0,
        rotation: float = 0.0,
        zoom: float = 0.0,
        shear: float = 0.0,
        translate: float = 0.0,
        elastic: float = 0.0,
        method: MethodName = "auto",
        max_epochs: int | None = None,
        max_steps: int | None = None,
        max_sequences: int | None = None,
        time_limit: float | None = None,
        batch_size: int = 32,
        shards: int = 1,
        last_batch: Literal["keep", "drop", "wrap"] = "keep",
        optimizer: Literal["adamw", "adam", "sgd", "rmsprop"] = "adamw",
        learning_rate: float = 0.0002,
        momentum: float = 0.9,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        weight_decay: float = 0.01,
        schedule: Literal["one-cycle", "cosine", "constant"] = "one-cycle",
        warmup_fraction: float = 0.2,
        clip_norm: float = 1.0,
        average_decay: float = 0.0,
        loss: Literal["mean", "sum"] = "mean",
        probability_floor: float = 0.0,
        label_smoothing: float = 0.0,
        monitor: Literal["loss", "accuracy"] = "loss",
        patience: int | Literal["auto"] | None = "auto",
        keep: Literal["best", "last"] = "best",
        calibrate: bool = False,
        precision: Literal["float32", "bfloat16"] = "float32",
        threads: int | None = None,
        device: str = "auto",
        cuda_graphs: bool = True,
        class_weight: ClassWeight = None,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None:
        self.tokens = tokens
        self.window = window
        self.stride = stride
        self.max_length = max_length
        self.keep_steps = keep_steps
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.frame_steps = frame_steps
        self.context_steps = context_steps
        self.pooling = pooling
        self.skip_segments = skip_segments
        self.skip_convolutions = skip_convolutions
        self.skip_ngrams = skip_ngrams
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.output_dropout = output_dropout
        self.recompute_gates = recompute_gates
        self.forget_bias = forget_bias
        self.memory_steps = memory_steps
        self.embedding_size = embedding_size
        self.missing = missing
        self.normalisation = normalisation
        self.initializer = initializer
        self.output_initializer = output_initializer
        self.time_shift = time_shift
        self.shuffle_steps = shuffle_steps
        self.value_scale = value_scale
        self.noise = noise
        self.rotation = rotation
        self.zoom = zoom
        self.shear = shear
        self.translate = translate
        self.elastic = elastic
        self.method = method
        self.max_epochs = max_epochs
        self.max_steps = max_steps
        self.max_sequences = max_sequences
        self.time_limit = time_limit
        self.batch_size = batch_size
        self.shards = shards
        self.last_batch = last_batch
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.warmup_fraction = warmup_fraction
        self.clip_norm = clip_norm
        self.average_decay = average_decay
        self.loss = loss
        self.probability_floor = probability_floor
        self.label_smoothing = label_smoothing
        self.monitor = monitor
        self.patience = patience
        self.keep = keep
        self.calibrate = calibrate
        self.precision = precision
        self.threads = threads
        self.device = device
        self.cuda_graphs = cuda_graphs
        self.class_weight = class_weight
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
