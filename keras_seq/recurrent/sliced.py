"""Read a long sequence as slices of slices."""

import keras
from keras import ops

from keras_seq.recurrent.as_driver import as_driver
from keras_seq.recurrent.cutting import append_zeros, repeat_rows
from keras_seq.recurrent.driver import Driver


@keras.saving.register_keras_serializable(package="keras_seq")
class Sliced(Driver):
    """The sliced recurrent network of Yu and Liu (2018), "Sliced Recurrent Neural Networks".

    A sequence is cut into `slices` slices, each of these into `slices` slices again, `levels` times in all. The bottom
    layer runs over all `slices ** levels` minimum slices side by side. Its last outputs, `slices` in a row, are the
    sequences of the next level, which has a layer of its own, and so on up to the top:

        h[0, j] = layer_0(steps of the minimum slice j)
        h[i, j] = layer_i(h[i-1, j * slices], ..., h[i-1, j * slices + slices - 1]),  i = 1 ... levels
        output = h[levels, 0]

    where `layer_i(...)` is the layer's last output. Instead of `time` steps one after the other there are
    `time / slices ** levels + levels * slices`: the longer the sequence, the larger the gain, as long as a step over
    many rows costs little more than one over few.

    Any length will do. A row with `v` valid steps has minimum slices of `ceil(v / slices ** levels)` steps, counted
    over the valid steps alone; the last one may be shorter, and slices with no step at all are skipped on every level.

    Args:
        layer: A cell, or a `Recurrent`, `Bidirectional` or `Stacked` layer, which reads the bottom level; the other
            levels get layers with its config and weights of their own. Or a list with one for each level, from the
            bottom to the top. Their own `return_sequences` and `return_state` do not matter here.
        slices: Integer of at least 2, into how many slices a slice is cut, n in the paper. Defaults to `8`.
        levels: Non-negative integer, how often slices are cut, k in the paper; there are `levels + 1` layers.
            Defaults to `2`.
        return_state: Whether to return the final states of the top layer after the output. Defaults to `False`.

    Call arguments:
        sequences: Tensor `[batch, time, features]`.
        initial_state: Optional list of the states that the top layer starts from.
        mask: Optional boolean tensor `[batch, time]`.
        training: Whether the layer runs in training mode.
        memory: Optional tensor `[batch, memory_time, memory_features]` for cells that look at one.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.

    Output shape:
        `[batch, output_size]`; there are no outputs of single steps, since no layer reads them all one after the
        other. With `return_state` followed by the states of the top layer.

    Masking:
        A masked step counts nowhere: a padded row gives the numbers of the row without its padding; a row with no
        valid step gives zeros and its initial state.

    Example:

    >>> layer = keras_seq.Sliced(keras_seq.GRUCell(16), slices=8, levels=2)
    >>> layer(np.random.random((4, 512, 8))).shape
    (4, 16)
    """

    inner = ("layer",)

    def __init__(self, layer, slices=8, levels=2, return_state=False, **kwargs):
        super().__init__(**kwargs)
        for name, value, least in (("slices", slices, 2), ("levels", levels, 0)):
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"Argument `{name}` must be an integer of at least {least}. Received: {value!r}")
        layers = [as_driver(one) for one in (layer if isinstance(layer, (list, tuple)) else [layer])]
        if not isinstance(layer, (list, tuple)):
            layers += [_copy(layers[0], f"{layers[0].name}_level_{level}") for level in range(1, levels + 1)]
        if len(layers) != levels + 1:
            raise ValueError(f"`levels={levels}` needs {levels + 1} layers. Received: {len(layers)} layers")
        self.layers = layers
        self.slices = slices
        self.levels = levels
        self.return_state = return_state

    @property
    def output_size(self) -> int:
        """Size of the top layer's output."""
        return self.layers[-1].output_size

    @property
    def state_size(self) -> list[int]:
        """Sizes of the top layer's states."""
        return self.layers[-1].state_size

    @property
    def initial_state_count(self) -> int:
        """How many states the top layer starts from."""
        return self.layers[-1].initial_state_count

    def build(self, sequences_shape, initial_state_shape=None, memory_shape=None):
        """Build the layers for sequences `[batch, time, features]`."""
        features = sequences_shape[-1]
        for layer in self.layers:
            if not layer.built:
                layer.build((None, None, features), memory_shape=memory_shape)
            features = layer.output_size
        self.built = True

    def get_initial_state(self, batch_size):
        """Return the states that the top layer starts from."""
        return self.layers[-1].get_initial_state(batch_size)

    def run(
        self,
        sequences,
        initial_state=None,
        mask=None,
        training=False,
        keep_all=False,
        *,
        memory=None,
        memory_mask=None,
        reset=None,
    ):
        """Run from the bottom to the top; see `Driver.run`. There are no outputs of all steps."""
        if keep_all:
            raise ValueError("`Sliced` has no outputs of single steps. Received: keep_all=True")
        if reset is not None:
            raise ValueError("`Sliced` reads each row as one sequence. Received: reset")
        batch = ops.shape(sequences)[0]
        count = self.slices**self.levels  # minimum slices of a row, and on each level above: slices of a row
        steps, mask = cut(sequences, mask, count)  # [batch * count, length, features]
        states = None
        for level, layer in enumerate(self.layers):
            top = level == self.levels
            context = {"memory": repeat_rows(memory, count), "memory_mask": repeat_rows(memory_mask, count)}
            _, last, states = layer.run(steps, initial_state if top else None, mask, training, False, **context)
            if not top:
                count //= self.slices
                steps = ops.reshape(last, (batch * count, self.slices, layer.output_size))
                if mask is not None:
                    mask = ops.reshape(ops.any(mask, axis=1), (batch * count, self.slices))
        return None, last, states

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {
            **super().get_config(),
            "layer": [keras.saving.serialize_keras_object(layer) for layer in self.layers],
            "slices": self.slices,
            "levels": self.levels,
            "return_state": self.return_state,
        }


def cut(sequences, mask, count):
    """Cut each row of `[batch, time, features]` into `count` slices of its valid steps, all but the last equally long.

    Returns:
        `(steps, mask)`: `[batch * count, length, features]` with `length = ceil(time / count)`, and a boolean mask
        `[batch * count, length]`, or None where all slices are full.
    """
    batch, time, features = ops.shape(sequences)[0], ops.shape(sequences)[1], sequences.shape[-1]
    length = -(-time // count)
    if mask is None:
        missing = length * count - time
        if isinstance(missing, int) and missing == 0:
            return ops.reshape(sequences, (batch * count, length, features)), None
        sequences = append_zeros(sequences, missing)
        valid = ops.broadcast_to(ops.arange(length * count) < time, (batch, length * count))
    else:
        mask = ops.cast(mask, "bool")
        places = ops.arange(time)
        order = ops.argsort(ops.where(mask, places, places + time), axis=1)  # the places of the valid steps come first
        steps = ops.sum(ops.cast(mask, "int32"), axis=1)[:, None, None]  # [batch, 1, 1]
        own_length = -(-steps // count)
        within = ops.arange(length)[None, None, :]
        number = ops.arange(count)[None, :, None] * own_length + within  # which valid step: [batch, count, length]
        valid = ops.reshape(ops.logical_and(within < own_length, number < steps), (batch, count * length))
        number = ops.reshape(ops.minimum(number, time - 1), (batch, count * length))
        rows = ops.take_along_axis(order, number, axis=1) + ops.arange(batch)[:, None] * time
        sequences = ops.take(ops.reshape(sequences, (batch * time, features)), rows, axis=0)
    return ops.reshape(sequences, (batch * count, length, features)), ops.reshape(valid, (batch * count, length))


def _copy(layer, name):
    """A layer with the same config and weights of its own."""
    return type(layer).from_config({**layer.get_config(), "name": name})
