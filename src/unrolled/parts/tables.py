"""The name of each part in a configuration, and the location of its class or function."""

from __future__ import annotations

CELLS = {
    "rnn": "unrolled.nn.cells.simple:SimpleRNN",
    "rnn-relu": "unrolled.nn.cells.relu:ReluRNN",
    "gru": "unrolled.nn.cells.gru:GRU",
    "gru-reset-before": "unrolled.nn.cells.gru_reset_before:GRUResetBefore",
    "lstm": "unrolled.nn.cells.lstm:LSTM",
    "lstm-peephole": "unrolled.nn.cells.lstm_peephole:PeepholeLSTM",
    "lstm-coupled": "unrolled.nn.cells.lstm_coupled:CoupledLSTM",
    "lstm-layer-norm": "unrolled.nn.cells.lstm_layer_norm:LayerNormLSTM",
}
POOLINGS = {
    "last": "unrolled.nn.pooling.last:LastPooling",
    "first-last": "unrolled.nn.pooling.first_last:FirstLastPooling",
    "mean": "unrolled.nn.pooling.mean:MeanPooling",
    "max": "unrolled.nn.pooling.max:MaxPooling",
    "attention": "unrolled.nn.pooling.attention:AttentionPooling",
    "statistics": "unrolled.nn.pooling.statistics:StatisticsPooling",
}
INITIALIZERS = {
    "orthogonal": "unrolled.nn.initializers:orthogonal",
    "uniform": "unrolled.nn.initializers:uniform",
    "glorot-joint": "unrolled.nn.initializers:glorot_joint",
    "filters": "unrolled.nn.initializers:filters",
}
OUTPUT_INITIALIZERS = {
    "glorot": "unrolled.nn.initializers:output_glorot",
    "uniform": "unrolled.nn.initializers:output_uniform",
    "normal": "unrolled.nn.initializers:output_normal",
    "truncated-normal": "unrolled.nn.initializers:output_truncated_normal",
    "ridge": "unrolled.nn.initializers:output_zeros",
}
MISSING = {
    "none": "unrolled.preparation.missing.none:NoFilling",
    "forward-fill": "unrolled.preparation.missing.forward_fill:ForwardFilling",
    "mean": "unrolled.preparation.missing.mean:MeanFilling",
    "mask": "unrolled.preparation.missing.mask:MaskFilling",
}
NORMALISATIONS = {
    "channel": "unrolled.preparation.normalisation.channel:ChannelNormaliser",
    "overall": "unrolled.preparation.normalisation.overall:OverallNormaliser",
    "sequence": "unrolled.preparation.normalisation.sequence:SequenceNormaliser",
    "robust": "unrolled.preparation.normalisation.robust:RobustNormaliser",
    "signed-log": "unrolled.preparation.normalisation.signed_log:SignedLogNormaliser",
    "none": "unrolled.preparation.normalisation.none:NoNormaliser",
}
