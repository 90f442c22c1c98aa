"""The echo state network as a layer."""

import keras

from keras_seq.cells.esn import ESNCell
from keras_seq.recurrent.recurrent import Recurrent

# What of the cell's config is an argument of the layer.
ARGUMENTS = (
    "units",
    "connectivity",
    "leaky",
    "spectral_radius",
    "use_norm2",
    "use_bias",
    "activation",
    "kernel_initializer",
    "recurrent_initializer",
    "bias_initializer",
)


@keras.saving.register_keras_serializable(package="keras_seq")
class ESN(Recurrent):
    """An echo state network: `Recurrent` over an `ESNCell`, with the arguments of both.

    Args:
        units: Positive integer, size of the state and the output.
        connectivity: Probability that a unit is connected to another. Defaults to `0.1`.
        leaky: Share of the state that is new in each step, above 0 and at most 1. Defaults to `1.0`.
        spectral_radius: Magnitude of the recurrent kernel's largest eigenvalue. Defaults to `0.9`.
        use_norm2: Whether the largest singular value is scaled in its place. Defaults to `False`.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        activation: Activation function. Defaults to `"tanh"`.
        kernel_initializer: Initializer of the kernel. Defaults to `"glorot_uniform"`.
        recurrent_initializer: Initializer of the recurrent kernel before it is thinned out and scaled. Defaults to
            `"glorot_uniform"`.
        bias_initializer: Initializer of the bias. Defaults to `"zeros"`.
        **kwargs: Arguments of `Recurrent` and of a layer.

    Call arguments:
        sequences: Tensor `[batch, time, features]`.
        initial_state: Optional state `[batch, units]`.
        mask: Optional boolean tensor `[batch, time]`.
        training: Whether the layer runs in training mode.

    Output shape:
        As of `Recurrent`.

    Masking:
        As in `Recurrent`.

    Example:

    >>> keras.Sequential([keras_seq.ESN(100), keras.layers.Dense(1)])(np.random.random((32, 10, 8))).shape
    (32, 1)
    """

    def __init__(
        self,
        units,
        connectivity=0.1,
        leaky=1.0,
        spectral_radius=0.9,
        use_norm2=False,
        use_bias=True,
        activation="tanh",
        kernel_initializer="glorot_uniform",
        recurrent_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        cell = ESNCell(
            units,
            connectivity=connectivity,
            leaky=leaky,
            spectral_radius=spectral_radius,
            use_norm2=use_norm2,
            use_bias=use_bias,
            activation=activation,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            dtype=kwargs.get("dtype"),
        )
        super().__init__(cell, **kwargs)

    def get_config(self):
        """Return the arguments that build this layer again."""
        config = super().get_config()
        del config["cell"]
        cell = self.cell.get_config()
        return {**config, **{name: cell[name] for name in ARGUMENTS}}

    @classmethod
    def from_config(cls, config):
        """Build the layer that `get_config` describes."""
        return cls(**config)
