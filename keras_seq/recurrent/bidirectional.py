"""Run a recurrent layer in both directions."""

import keras
from keras import ops

from keras_seq.recurrent.driver import Driver, refuse_alignments
from keras_seq.recurrent.recurrent import Recurrent

MERGES = {
    "concat": lambda forward, backward: ops.concatenate([forward, backward], axis=-1),
    "sum": lambda forward, backward: forward + backward,
    "mul": lambda forward, backward: forward * backward,
    "ave": lambda forward, backward: (forward + backward) / 2,
    None: lambda forward, backward: (forward, backward),
}


@keras.saving.register_keras_serializable(package="keras_seq")
class Bidirectional(Driver):
    """Read a sequence in both directions (Schuster and Paliwal 1997, "Bidirectional Recurrent Neural Networks").

    One layer reads from the first step to the last, the other from the last to the first; at each step their outputs
    are merged. The states are merged in the same way, so that they can start a decoder of that size.

    Args:
        layer: A `Recurrent` layer. Its `return_sequences` and `return_state` hold for the whole.
        merge_mode: `"concat"`, `"sum"`, `"mul"`, `"ave"`, or `None` for the two outputs as a tuple. Defaults to
            `"concat"`.
        backward_layer: Optional `Recurrent` layer for the other direction, with `go_backwards=True`. Defaults to one
            with the config of `layer` and weights of its own.

    Call arguments:
        sequences: Tensor `[batch, time, features]`.
        initial_state: Optional list of the forward layer's states, then the backward layer's.
        mask: Optional boolean tensor `[batch, time]`.
        training: Whether the layer runs in training mode.
        memory: Optional tensor `[batch, memory_time, memory_features]` for cells that look at one.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.
        reset: Optional boolean tensor `[batch, time]`, true at the first step of a document where a row holds several:
            that step begins from the initial state of the cell, whatever was before. A masked step starts none.

    Output shape:
        `[batch, time, size]` or `[batch, size]`, with size `2 * output_size` for `"concat"`, else `output_size`; a
        tuple of two for `None`. With `return_state`, followed by each merged state (for `None`: the forward states,
        then the backward states).

    Masking:
        As in `Recurrent`: the backward layer begins at the last valid step.

    Example:

    >>> layer = keras_seq.Bidirectional(keras_seq.Recurrent(keras_seq.GRUCell(16), return_sequences=True))
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 10, 32)
    """

    inner = ("layer", "backward_layer")

    def __init__(self, layer, merge_mode="concat", backward_layer=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(layer, Recurrent):
            raise ValueError(f"Argument `layer` must be a `Recurrent` layer. Received: layer={layer!r}")
        refuse_alignments(self, [layer])
        if layer.go_backwards:
            raise ValueError("The forward layer of `Bidirectional` must have `go_backwards=False`.")
        if merge_mode not in MERGES:
            raise ValueError(
                f"Argument `merge_mode` must be one of {list(MERGES)}. Received: merge_mode={merge_mode!r}"
            )
        if backward_layer is None:
            config = layer.get_config()
            config["name"] = f"backward_{layer.name}"
            config["go_backwards"] = True
            backward_layer = Recurrent.from_config(config)
        if not backward_layer.go_backwards:
            raise ValueError("Argument `backward_layer` must have `go_backwards=True`.")
        for option in ("return_sequences", "return_state"):
            if getattr(layer, option) != getattr(backward_layer, option):
                raise ValueError(f"Both layers of `Bidirectional` must have the same `{option}`.")
        self.forward_layer = layer
        self.backward_layer = backward_layer
        self.merge_mode = merge_mode
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state

    @property
    def output_size(self) -> int:
        """Size of the merged output; for `merge_mode=None`, of each of the two."""
        size = self.forward_layer.output_size
        return size + self.backward_layer.output_size if self.merge_mode == "concat" else size

    @property
    def state_size(self) -> list[int]:
        """Sizes of the states that come out."""
        forward, backward = self.forward_layer.state_size, self.backward_layer.state_size
        if self.merge_mode is None:
            return forward + backward
        return [f + b if self.merge_mode == "concat" else f for f, b in zip(forward, backward, strict=True)]

    @property
    def initial_state_count(self):
        """How many states `initial_state` has: those of both directions, which are not merged yet."""
        return self.forward_layer.initial_state_count + self.backward_layer.initial_state_count

    @property
    def output_count(self):
        """How many outputs there are: with `merge_mode=None` those of both directions."""
        return 2 if self.merge_mode is None else 1

    def build(self, sequences_shape, initial_state_shape=None, memory_shape=None):
        """Build both layers for sequences `[batch, time, features]`."""
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape, memory_shape=memory_shape)
        self.built = True

    def get_initial_state(self, batch_size):
        """Return the states that both layers start from."""
        return self.forward_layer.get_initial_state(batch_size) + self.backward_layer.get_initial_state(batch_size)

    def run(self, sequences, initial_state=None, mask=None, training=False, keep_all=True, **context):
        """Run both layers and merge; see `Driver.run`."""
        forward_state = backward_state = None
        if initial_state is not None:
            count = len(self.forward_layer.state_size)
            forward_state, backward_state = initial_state[:count], initial_state[count:]
        shared = (mask, training, keep_all)
        f_outputs, f_last, f_states = self.forward_layer.run(sequences, forward_state, *shared, **context)
        b_outputs, b_last, b_states = self.backward_layer.run(sequences, backward_state, *shared, **context)
        merge = MERGES[self.merge_mode]
        if self.merge_mode is None:
            states = [*f_states, *b_states]
        else:
            states = [merge(f, b) for f, b in zip(f_states, b_states, strict=True)]
        return merge(f_outputs, b_outputs) if keep_all else None, merge(f_last, b_last), states

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {
            **super().get_config(),
            "layer": keras.saving.serialize_keras_object(self.forward_layer),
            "merge_mode": self.merge_mode,
            "backward_layer": keras.saving.serialize_keras_object(self.backward_layer),
        }
