"""The encoder of a Transformer."""

import math

import keras
from keras import ops

from keras_seq.attention.learned_positions import LearnedPositions
from keras_seq.attention.sinusoidal_positions import SinusoidalPositions
from keras_seq.cells.cell import check_units
from keras_seq.models.residual_connection import EPSILON
from keras_seq.models.transformer_layer import TransformerLayer

POSITIONS = (None, "sinusoidal", "learned", "relative", "rotary")


@keras.saving.register_keras_serializable(package="keras_seq")
class TransformerEncoder(keras.layers.Layer):
    """The encoder of Vaswani et al. (2017), "Attention Is All You Need".

    Layers of self-attention and feed-forward networks over sequences, such as word vectors, whose size is the size of
    the model. With pre-norm (Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture") each part is
    normalised before it and the outputs at the end; it trains without a warm-up. With post-norm, as in the paper of
    2017, each sum is normalised.

    Args:
        layers: Positive integer, number of layers. Defaults to `2`.
        heads: Positive integer, number of heads; the size must be a multiple of it. Defaults to `4`.
        hidden_size: Size of the hidden layer of the feed-forward networks. Defaults to four times the size.
        positions: `"sinusoidal"` or `"learned"` vectors that are added to the inputs, `"relative"` or `"rotary"`
            positions in each self-attention, or `None`. Places are counted over the valid steps. Defaults to
            `"sinusoidal"`.
        max_length: Number of learned positions. Defaults to `512`.
        max_distance: The largest relative distance. Defaults to `16`.
        pre_norm: Whether each part is normalised before it. Defaults to `True`.
        activation: Activation of the feed-forward networks. Defaults to `"relu"`.
        dropout: Fraction that is dropped while training, of the inputs and what each part of a layer puts out. Defaults
            to `0.0`.
        inner_dropout: The same, of the weights of attention and the hidden layers. Defaults to `None`: as `dropout`.
        scale_inputs: Whether the inputs are multiplied by the root of their size first, as word vectors are there.
            Defaults to `True`.
        seed: Optional seed of the dropout.
        **kwargs: The arguments of a layer.

    Call arguments:
        sequences: Tensor `[batch, time, size]`.
        mask: Optional boolean tensor `[batch, time]`.
        training: Whether the layer runs in training mode.

    Output shape:
        `[batch, time, size]`.

    Masking:
        No step looks at a masked one; what comes out at a masked step means nothing.

    Example:

    >>> encoder = keras_seq.TransformerEncoder(layers=2, heads=4)
    >>> encoder(np.random.random((32, 10, 64))).shape
    (32, 10, 64)
    """

    # For models: this encoder puts out all steps.
    return_sequences = True

    def __init__(
        self,
        layers=2,
        heads=4,
        hidden_size=None,
        positions="sinusoidal",
        max_length=512,
        max_distance=16,
        pre_norm=True,
        activation="relu",
        dropout=0.0,
        inner_dropout=None,
        scale_inputs=True,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        check_transformer(layers, heads, hidden_size, positions, dropout, inner_dropout)
        self.settings = {
            "layers": layers,
            "heads": heads,
            "hidden_size": hidden_size,
            "positions": positions,
            "max_length": max_length,
            "max_distance": max_distance,
            "pre_norm": pre_norm,
            "activation": activation,
            "dropout": dropout,
            "inner_dropout": inner_dropout,
            "seed": seed,
        }
        self.scale_inputs = scale_inputs

    def build(self, sequences_shape):
        """Create the layers for sequences `[batch, time, size]`."""
        self.stack = build_stack(self, self.settings, sequences_shape)
        self.built = True

    def call(self, sequences, mask=None, training=False):
        """Encode."""
        mask = getattr(sequences, "_keras_mask", None) if mask is None else mask
        sequences = ops.cast(sequences, self.compute_dtype)
        if self.scale_inputs:
            sequences = ops.multiply(sequences, math.sqrt(sequences.shape[-1]))
        if self.positions is not None:
            sequences = self.positions(sequences, mask=mask)
        sequences = self.dropout(sequences, training=training)
        for layer in self.stack:
            sequences = layer(sequences, mask=mask, training=training)
        return sequences if self.norm is None else self.norm(sequences)

    def compute_mask(self, sequences, mask=None):
        """The mask of the sequences."""
        return mask

    def compute_output_shape(self, sequences_shape):
        """`[batch, time, size]`."""
        return tuple(sequences_shape)

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {**super().get_config(), **self.settings, "scale_inputs": self.scale_inputs}


def check_transformer(layers, heads, hidden_size, positions, dropout, inner_dropout):
    """Raise the errors that Transformers give for wrong arguments."""
    check_units(layers, "layers")
    check_units(heads, "heads")
    if hidden_size is not None:
        check_units(hidden_size, "hidden_size")
    if positions not in POSITIONS:
        raise ValueError(f"Argument `positions` must be one of {POSITIONS}. Received: positions={positions!r}")
    if not 0 <= dropout < 1:
        raise ValueError(f"Argument `dropout` must be in [0, 1). Received: dropout={dropout}")
    if inner_dropout is not None and not 0 <= inner_dropout < 1:
        raise ValueError(f"Argument `inner_dropout` must be None or in [0, 1). Received: inner_dropout={inner_dropout}")


def build_stack(owner, settings, shape, causal=False, memory_shape=None):
    """The layers of a Transformer for inputs `[batch, time, size]`; `owner` gets what is around them.

    That is `positions`, `dropout` and `norm`: before the first layer, and after the last one with pre-norm.
    """
    policy, size = owner.dtype_policy, shape[-1]
    positions, dropout, seed = settings["positions"], settings["dropout"], settings["seed"]
    added = {
        "sinusoidal": lambda: SinusoidalPositions(dtype=policy, name="positions"),
        "learned": lambda: LearnedPositions(settings["max_length"], dtype=policy, name="positions"),
    }
    owner.positions = added[positions]() if positions in added else None
    if owner.positions is not None:
        owner.positions.build(shape)
    owner.dropout = keras.layers.Dropout(dropout, seed=seed, dtype=policy, name="dropout")
    owner.norm = None
    if settings["pre_norm"]:
        owner.norm = keras.layers.LayerNormalization(epsilon=EPSILON, dtype=policy, name="norm")
        owner.norm.build(shape)
    stack = [
        TransformerLayer(
            settings["heads"],
            settings["hidden_size"] or 4 * size,
            causal=causal,
            pre_norm=settings["pre_norm"],
            activation=settings["activation"],
            dropout=dropout,
            inner_dropout=settings["inner_dropout"],
            positions=None if positions in added else positions,
            max_distance=settings["max_distance"],
            seed=None if seed is None else seed + depth,
            dtype=policy,
            name=f"layer_{depth}",
        )
        for depth in range(settings["layers"])
    ]
    for layer in stack:
        layer.build(shape, memory_shape=memory_shape)
    return stack
