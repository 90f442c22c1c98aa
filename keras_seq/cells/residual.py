"""A residual connection around a cell."""

import keras
from keras import initializers, ops

from keras_seq.cells.wrapper_cell import WrapperCell


@keras.saving.register_keras_serializable(package="keras_seq")
class ResidualCell(WrapperCell):
    """A cell whose input is added to its output (He et al. 2016; between recurrent layers: Wu et al. 2016).

        y_t = cell(x_t) + x_t            where input and output have the same size
        y_t = cell(x_t) + x_t R          with `dense=True` where they have not

    with `R` = `shortcut_kernel`. The states are the cell's, so the sum does not feed back.

    Args:
        cell: A `RecurrentCell`.
        dense: Whether an input of another size is mapped to the size of the output. Without, it is an error. Defaults
            to `False`.
        kernel_initializer: Initializer of `shortcut_kernel`. Defaults to `"glorot_uniform"`.
        **kwargs: The arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List of the cell's states.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.ResidualCell(keras_seq.GRUCell(8)))
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 8)
    """

    def __init__(self, cell, dense=False, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(cell, **kwargs)
        self.dense = dense
        self.kernel_initializer = initializers.get(kernel_initializer)

    def build(self, input_shape, memory_shape=None):
        """Build the cell, and with `dense` the kernel of the shortcut, for inputs `[batch, features]`."""
        super().build(input_shape, memory_shape)
        features, size = input_shape[-1], self.output_size
        self.shortcut_kernel = None
        if features != size:
            if not self.dense:
                raise ValueError(
                    "A residual connection adds the input to the output: pass `dense=True` to map one to the size of "
                    f"the other. Received: inputs of size {features}, outputs of size {size}"
                )
            self.shortcut_kernel = self.add_weight(
                shape=(features, size), initializer=self.kernel_initializer, name="shortcut_kernel"
            )

    def project_sequences(self, sequences, training=False, constants=None):
        """Map all steps `[time, batch, features]` to what is added `[..., output_size]`, then the cell's projection."""
        shortcut = ops.cast(sequences, self.compute_dtype)
        if self.shortcut_kernel is not None:
            shortcut = ops.matmul(shortcut, self.computed(self.shortcut_kernel))
        return ops.concatenate([shortcut, super().project_sequences(sequences, training, constants)], axis=-1)

    def add_to_projection(self, projected, addition):
        """Add to what the cell projects, not to the shortcut."""
        shortcut, projected = projected[..., : self.output_size], projected[..., self.output_size :]
        return ops.concatenate([shortcut, super().add_to_projection(projected, addition)], axis=-1)

    def step(self, projected, states, training=False, constants=None):
        """One time step of the cell; its output plus the input."""
        size = self.output_size
        output, states = super().step(projected[..., size:], states, training, constants)
        return ops.add(output, projected[..., :size]), states

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "dense": self.dense,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
        }
