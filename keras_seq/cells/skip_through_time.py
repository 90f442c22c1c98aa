"""Skip connections through time."""

import keras
from keras import initializers, ops

from keras_seq.cells.cell import check_units
from keras_seq.cells.wrapper_cell import WrapperCell


@keras.saving.register_keras_serializable(package="keras_seq")
class SkipThroughTimeCell(WrapperCell):
    """A cell that also sees its output of `distance` steps ago, through a kernel of its own.

        y_t = step(x_t W + b + y_{t-d} V, states)

    with `V` = `skip_kernel`, `d` = `distance`, and `x_t W + b` what the cell projects from its inputs. Around an
    `ElmanCell` this is

        h_t = tanh(x_t W + h_{t-1} U + h_{t-d} V + b);

    around a gated cell the skip enters every gate and the candidate. A gradient can go back d steps at a time (Lin et
    al. 1996, "Learning Long-Term Dependencies in NARX Recurrent Neural Networks"; Zhang et al. 2016, "Architectural
    Complexity Measures of Recurrent Neural Networks"). Outputs before the first step are zero, and masked steps are not
    counted. Nest it for skips of several distances.

    Args:
        cell: A `RecurrentCell`.
        distance: Positive integer, how many steps a connection skips.
        skip_initializer: Initializer of `skip_kernel`. Defaults to `"glorot_uniform"`.
        **kwargs: The arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List of the cell's states, then `y_{t-1}, ..., y_{t-d}`, the oldest last.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.SkipThroughTimeCell(keras_seq.ElmanCell(8), distance=5))
    >>> layer(np.random.random((32, 10, 4))).shape
    (32, 8)
    """

    def __init__(self, cell, distance, skip_initializer="glorot_uniform", **kwargs):
        super().__init__(cell, **kwargs)
        self.distance = check_units(distance, "distance")
        self.skip_initializer = initializers.get(skip_initializer)
        self.state_size = [*cell.state_sizes, *[self.output_size] * self.distance]

    def build(self, input_shape, memory_shape=None):
        """Build the cell and the kernel of the skip, for inputs `[batch, features]`."""
        super().build(input_shape, memory_shape)
        shape = (self.output_size, self.addition_size(input_shape))
        self.skip_kernel = self.add_weight(shape=shape, initializer=self.skip_initializer, name="skip_kernel")

    def step(self, projected, states, training=False, constants=None):
        """One time step of the cell, with what it put out `distance` steps ago."""
        states, outputs = states[: -self.distance], states[-self.distance :]
        projected = self.add_to_projection(projected, ops.matmul(outputs[-1], self.computed(self.skip_kernel)))
        output, states = super().step(projected, list(states), training, constants)
        return output, [*states, output, *outputs[:-1]]

    def get_initial_state(self, batch_size=None, constants=None):
        """Return the cell's initial states, and zeros for the outputs before the first step."""
        zeros = [ops.zeros((batch_size, self.output_size), dtype=self.compute_dtype)] * self.distance
        return [*super().get_initial_state(batch_size, constants), *zeros]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "distance": self.distance,
            "skip_initializer": initializers.serialize(self.skip_initializer),
        }
