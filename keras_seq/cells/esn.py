"""The echo state network: a reservoir that is not trained."""

import contextlib

import keras
import numpy as np
from keras import initializers, ops

from keras_seq.cells.kernel_cell import KernelCell


def esn_step(projected, h, recurrent_kernel, leaky, activation):
    """One step of the echo state network, `[batch, units]` in and out."""
    return (1 - leaky) * h + leaky * activation(ops.add(projected, ops.matmul(h, recurrent_kernel)))


@keras.saving.register_keras_serializable(package="keras_seq")
class ReservoirInitializer(initializers.Initializer):
    """A sparse random square matrix, scaled to a spectral radius.

    Args:
        connectivity: Probability that a number is kept; the others are zero. Defaults to `0.1`.
        spectral_radius: Magnitude of the largest eigenvalue. Defaults to `0.9`.
        use_norm2: Whether the largest singular value, an upper bound of the largest eigenvalue, is scaled in its place,
            which is sufficient for echo states where the other is necessary. Defaults to `False`.
        initializer: Initializer of the numbers before they are thinned out. Defaults to `"glorot_uniform"`.
    """

    def __init__(self, connectivity=0.1, spectral_radius=0.9, use_norm2=False, initializer="glorot_uniform"):
        if not 0 <= connectivity <= 1:
            raise ValueError(f"Argument `connectivity` must be in [0, 1]. Received: connectivity={connectivity}")
        if not spectral_radius >= 0:
            raise ValueError(
                f"Argument `spectral_radius` must not be negative. Received: spectral_radius={spectral_radius}"
            )
        self.connectivity = connectivity
        self.spectral_radius = spectral_radius
        self.use_norm2 = use_norm2
        self.initializer = initializers.get(initializer)

    def __call__(self, shape, dtype=None):
        """Return the matrix as a tensor."""
        # No backend has eigenvalues of any matrix on every device, so this is NumPy's part.
        with _outside_of_graphs():
            matrix = ops.convert_to_numpy(self.initializer(shape, dtype="float32")).astype("float64")
            drawn = ops.convert_to_numpy(initializers.RandomUniform(0.0, 1.0)(shape, dtype="float32"))
        matrix = np.where(drawn < self.connectivity, matrix, 0.0)
        size = np.linalg.norm(matrix, 2) if self.use_norm2 else np.abs(np.linalg.eigvals(matrix)).max()
        if size > 0:  # zero where connections make no cycle: then the past ends by itself
            matrix *= self.spectral_radius / size
        return ops.cast(ops.convert_to_tensor(matrix.astype("float32")), dtype or keras.config.floatx())

    def get_config(self):
        """Return the arguments that build this initializer again."""
        return {
            "connectivity": self.connectivity,
            "spectral_radius": self.spectral_radius,
            "use_norm2": self.use_norm2,
            "initializer": initializers.serialize(self.initializer),
        }


@keras.saving.register_keras_serializable(package="keras_seq")
class ESNCell(KernelCell):
    """The echo state network of Jaeger (2001), "The 'Echo State' Approach to Analysing and Training RNNs".

        h_t = (1 - leaky) * h_{t-1} + leaky * tanh(x_t W + h_{t-1} U + b)

    with `W` = `kernel`, `U` = `recurrent_kernel`, `b` = `bias`. None of them is trained: the reservoir turns the past
    of its inputs into many features, and a layer on top learns to read them. `U` is sparse and scaled so that the past
    fades; the closer the spectral radius is to one, the longer it lasts. As in TensorFlow Addons, except that its
    `use_norm2` scaled the Frobenius norm, which shrinks a large reservoir to almost nothing.

    Args:
        units: Positive integer, size of the state and the output.
        connectivity: Probability that a unit is connected to another. Defaults to `0.1`.
        leaky: Share of the state that is new in each step, above 0 and at most 1. Defaults to `1.0`.
        spectral_radius: Magnitude of the largest eigenvalue of `U`. Defaults to `0.9`.
        use_norm2: Whether the largest singular value of `U` is scaled in its place: a stricter condition that ensures
            echo states. Defaults to `False`.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        activation: Activation function. Defaults to `"tanh"`.
        recurrent_initializer: Initializer of `U` before it is thinned out and scaled. Defaults to `"glorot_uniform"`.
        **kwargs: Further arguments of `KernelCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List with the state `h`, `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.ESNCell(100), return_sequences=True)
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 10, 100)
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
        recurrent_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(
            units, activation=activation, use_bias=use_bias, recurrent_initializer=recurrent_initializer, **kwargs
        )
        if not 0 < leaky <= 1:
            raise ValueError(f"Argument `leaky` must be above 0 and at most 1. Received: leaky={leaky}")
        self.leaky = leaky
        self.reservoir = ReservoirInitializer(connectivity, spectral_radius, use_norm2, self.recurrent_initializer)

    def add_weight(self, *args, **kwargs):
        """Add a weight as every layer does, but one that stays fixed whatever `trainable` says."""
        return super().add_weight(*args, **{**kwargs, "trainable": False})

    def initial_recurrent_kernel(self, shape, dtype=None):
        """Value of the recurrent kernel: the reservoir."""
        return self.reservoir(shape, dtype=dtype)

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, units]`, states `[h]`."""
        h = esn_step(projected, states[0], self.computed(self.recurrent_kernel), self.leaky, self.activation)
        return h, [h]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "connectivity": self.reservoir.connectivity,
            "leaky": self.leaky,
            "spectral_radius": self.reservoir.spectral_radius,
            "use_norm2": self.reservoir.use_norm2,
        }


def _outside_of_graphs():
    """A context in which tensors have values, also while TensorFlow traces a graph."""
    if keras.backend.backend() != "tensorflow":
        return contextlib.nullcontext()
    import tensorflow as tf

    return tf.init_scope()
