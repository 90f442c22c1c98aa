"""The recurrent cells that configurations choose among. Imports Keras only when one is made."""

from typing import Any, Literal

CellName = Literal[
    "lstm",
    "gru",
    "elman",
    "irnn",
    "peephole_lstm",
    "coupled_lstm",
    "layer_norm_lstm",
    "layer_norm_gru",
    "layer_norm_elman",
    "mgu",
    "nas",
    "indrnn",
    "slstm",
    "mlstm",
    "sru",
    "qrnn",
    "min_gru",
    "min_lstm",
]

CLASSES = {
    "lstm": "LSTMCell",
    "gru": "GRUCell",
    "elman": "ElmanCell",
    "irnn": "IRNNCell",
    "peephole_lstm": "PeepholeLSTMCell",
    "coupled_lstm": "CoupledLSTMCell",
    "layer_norm_lstm": "LayerNormLSTMCell",
    "layer_norm_gru": "LayerNormGRUCell",
    "layer_norm_elman": "LayerNormElmanCell",
    "mgu": "MGUCell",
    "nas": "NASCell",
    "indrnn": "IndRNNCell",
    "slstm": "SLSTMCell",
    "mlstm": "MLSTMCell",
    "sru": "SRUCell",
    "qrnn": "QRNNCell",
    "min_gru": "MinGRUCell",
    "min_lstm": "MinLSTMCell",
}


def make_cell(name: str, units: int) -> Any:
    """A new cell of keras_seq by its name in configurations."""
    import keras_seq

    return getattr(keras_seq, CLASSES[name])(units)
