"""Read a long sequence as many short ones."""

import keras
from keras import ops

from keras_seq.recurrent.bidirectional import Bidirectional
from keras_seq.recurrent.cutting import append_zeros, repeat_rows
from keras_seq.recurrent.driver import Driver, refuse_alignments
from keras_seq.recurrent.recurrent import Recurrent
from keras_seq.recurrent.stacked import Stacked


@keras.saving.register_keras_serializable(package="keras_seq")
class Segmented(Driver):
    """Cut sequences into segments of equal length and run a recurrent layer over all segments side by side.

    Johnson and Zhang (2016), "Supervised and Semi-Supervised Text Categorization using LSTM for Region Embeddings",
    read documents in this way: the layer embeds regions of text, a pooling over all steps joins them. The loop has as
    many steps as a segment, however long the sequence is, and what is remembered over a whole document no longer is a
    way to overfit. While training, the cuts are shifted by a random number of steps (as many as padding to whole
    segments leaves room for), so that no place is always a border.

    Args:
        layer: A `Recurrent`, `Bidirectional` or `Stacked` layer. Its `return_sequences` does not matter here.
        segment_length: Positive integer, number of steps of a segment.
        shift: Whether the cuts are shifted at random while training. Defaults to `True`.
        seed: Optional seed of the shift.

    Call arguments:
        sequences: Tensor `[batch, time, features]`.
        mask: Optional boolean tensor `[batch, time]`.
        training: Whether the layer runs in training mode.
        memory: Optional tensor `[batch, memory_time, memory_features]` for cells that look at one.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.

    Output shape:
        `[batch, time, output_size]`.

    Masking:
        Within a segment as in `Recurrent`; the segments are counted from the first step, valid or not.

    Example:

    >>> layer = keras_seq.Segmented(keras_seq.Recurrent(keras_seq.GRUCell(16)), segment_length=50)
    >>> layer(np.random.random((32, 400, 8))).shape
    (32, 400, 16)
    """

    inner = ("layer",)
    return_sequences = True

    def __init__(self, layer, segment_length, shift=True, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(layer, (Recurrent, Bidirectional, Stacked)):
            raise ValueError(
                f"Argument `layer` must be a `Recurrent`, `Bidirectional` or `Stacked` layer. Received: {layer!r}"
            )
        refuse_alignments(self, [layer])
        if not isinstance(segment_length, int) or segment_length <= 0:
            raise ValueError(f"Argument `segment_length` must be a positive integer. Received: {segment_length!r}")
        self.layer = layer
        self.segment_length = segment_length
        self.shift = shift
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    @property
    def output_size(self) -> int:
        """Size of the layer's output."""
        return self.layer.output_size

    @property
    def state_size(self) -> list[int]:
        """No states come out: those of a segment mean nothing for the whole."""
        return []

    def build(self, sequences_shape, initial_state_shape=None, memory_shape=None):
        """Build the layer for sequences `[batch, time, features]`."""
        if not self.layer.built:
            self.layer.build((None, self.segment_length, sequences_shape[-1]), memory_shape=memory_shape)
        self.built = True

    def run(
        self,
        sequences,
        initial_state=None,
        mask=None,
        training=False,
        keep_all=True,
        *,
        memory=None,
        memory_mask=None,
        reset=None,
    ):
        """Cut, run, and join; see `Driver.run`. There is no last output, and there are no states."""
        if initial_state is not None or reset is not None:
            raise ValueError("Every segment of `Segmented` starts anew. Received: initial_state or reset")
        segment, features = self.segment_length, sequences.shape[-1]
        batch, time = ops.shape(sequences)[0], ops.shape(sequences)[1]
        if mask is None:
            mask = ops.ones((batch, time), dtype="bool")
        # Steps of zeros, which are masked, make whole segments of it; the shift moves some of them to the front.
        shifted = training and self.shift
        extra = segment - time % segment if shifted else -time % segment
        sequences, mask = append_zeros(sequences, extra), append_zeros(mask, extra)
        before = 0
        if shifted:
            before = keras.random.randint((), 0, extra + 1, dtype="int32", seed=self.seed_generator)
            sequences, mask = ops.roll(sequences, before, axis=1), ops.roll(mask, before, axis=1)
        segments = ops.reshape(sequences, (-1, segment, features))  # [batch * segments, segment, features]
        segment_mask = ops.reshape(mask, (-1, segment))
        # Every segment of a sequence looks at the memory of the sequence.
        count = ops.shape(sequences)[1] // segment
        context = {"memory": repeat_rows(memory, count), "memory_mask": repeat_rows(memory_mask, count)}
        outputs, _, _ = self.layer.run(segments, None, segment_mask, training, True, **context)
        outputs = ops.reshape(outputs, (batch, -1, self.output_size))
        if shifted:
            outputs = ops.roll(outputs, -before, axis=1)
        return outputs[:, :time], None, []

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {
            **super().get_config(),
            "layer": keras.saving.serialize_keras_object(self.layer),
            "segment_length": self.segment_length,
            "shift": self.shift,
            "seed": self.seed,
        }
