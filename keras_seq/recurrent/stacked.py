"""Recurrent layers on top of each other."""

import keras
from keras import ops

from keras_seq.recurrent.bidirectional import Bidirectional
from keras_seq.recurrent.driver import Driver, refuse_alignments
from keras_seq.recurrent.recurrent import Recurrent


@keras.saving.register_keras_serializable(package="keras_seq")
class Stacked(Driver):
    """Recurrent layers on top of each other: each reads the sequence that the one below puts out.

    Args:
        layers: List of `Recurrent`, `Bidirectional` (with a merge mode) and `Stacked` layers, from the bottom to the
            top. Their own `return_sequences` and `return_state` do not matter here.
        dropout: Fraction of the features of every layer's input that is dropped, the bottom layer's excepted. One mask
            holds for all time steps of a sequence: variational dropout (Gal and Ghahramani 2016). Defaults to `0.0`.
        residual: Whether a layer's input is added to its output where the two have the same size, as in Wu et al.
            (2016). It needs `return_sequences=True`. Defaults to `False`.
        dense: Whether each layer reads the sequences and the outputs of all layers below, side by side, as in Huang et
            al. (2017) and, of recurrent layers, Godin et al. (2017). Not with `residual`. Defaults to `False`.
        return_sequences: Whether to return the outputs of all steps. Defaults to `False`.
        return_state: Whether to return the final states of all layers after the output. Defaults to `False`.
        seed: Optional seed of the dropout.

    Call arguments:
        sequences: Tensor `[batch, time, features]`.
        initial_state: Optional list of the states of all layers, from the bottom to the top.
        mask: Optional boolean tensor `[batch, time]`.
        training: Whether the layer runs in training mode.
        memory: Optional tensor `[batch, memory_time, memory_features]` for cells that look at one.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.
        reset: Optional boolean tensor `[batch, time]`, true at the first step of a document where a row holds several:
            that step begins from the initial state of the cell, whatever was before. A masked step starts none.

    Output shape:
        `[batch, time, size]` with `return_sequences`, else `[batch, size]`, with the size of the top layer; with
        `return_state` followed by the states of all layers.

    Masking:
        As in `Recurrent`.

    Example:

    >>> layers = [keras_seq.Recurrent(keras_seq.GRUCell(16)) for _ in range(3)]
    >>> keras_seq.Stacked(layers, dropout=0.2)(np.random.random((32, 10, 8))).shape
    (32, 16)
    """

    inner = ("layers",)

    def __init__(
        self,
        layers,
        dropout=0.0,
        residual=False,
        return_sequences=False,
        return_state=False,
        seed=None,
        dense=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        layers = list(layers)
        if not layers or not all(isinstance(layer, (Recurrent, Bidirectional, Stacked)) for layer in layers):
            raise ValueError(
                f"Argument `layers` must list `Recurrent`, `Bidirectional` or `Stacked` layers. Received: {layers!r}"
            )
        refuse_alignments(self, layers)
        if any(isinstance(layer, Bidirectional) and layer.merge_mode is None for layer in layers):
            raise ValueError("`Bidirectional` layers in `Stacked` need a `merge_mode`. Received: merge_mode=None")
        if not 0 <= dropout < 1:
            raise ValueError(f"Argument `dropout` must be in [0, 1). Received: dropout={dropout}")
        if residual and not return_sequences:
            raise ValueError(
                "`residual=True` needs `return_sequences=True`; a pooling layer picks the last step from it."
            )
        if residual and dense:
            raise ValueError("`residual` and `dense` exclude each other. Received: residual=True, dense=True")
        self.layers = layers
        self.dropout = dropout
        self.residual = residual
        self.dense = dense
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    @property
    def output_size(self) -> int:
        """Size of the top layer's output."""
        return self.layers[-1].output_size

    @property
    def state_size(self) -> list[int]:
        """Sizes of the states of all layers, from the bottom to the top."""
        return [size for layer in self.layers for size in layer.state_size]

    @property
    def initial_state_count(self) -> int:
        """How many states `initial_state` has, over all layers."""
        return sum(layer.initial_state_count for layer in self.layers)

    def build(self, sequences_shape, initial_state_shape=None, memory_shape=None):
        """Build the layers for sequences `[batch, time, features]`."""
        shape = tuple(sequences_shape)
        for layer in self.layers:
            if not layer.built:
                layer.build(shape, memory_shape=memory_shape)
            shape = (*shape[:2], layer.output_size + (shape[2] if self.dense else 0))
        self.built = True

    def get_initial_state(self, batch_size):
        """Return the states that all layers start from, from the bottom to the top."""
        return [state for layer in self.layers for state in layer.get_initial_state(batch_size)]

    def run(self, sequences, initial_state=None, mask=None, training=False, keep_all=True, **context):
        """Run the layers from the bottom to the top; see `Driver.run`."""
        remaining = None if initial_state is None else list(initial_state)
        all_states = []
        last = None
        for depth, layer in enumerate(self.layers):
            if depth and training and self.dropout:
                sequences = self._drop(sequences)
            layer_state = None
            if remaining is not None:
                count = layer.initial_state_count
                layer_state, remaining = remaining[:count], remaining[count:]
            top = depth == len(self.layers) - 1
            outputs, last, states = layer.run(sequences, layer_state, mask, training, keep_all or not top, **context)
            if self.residual and outputs.shape[-1] == sequences.shape[-1]:
                outputs = outputs + ops.cast(sequences, outputs.dtype)
            all_states += states
            if self.dense and not top:
                outputs = ops.concatenate([ops.cast(sequences, outputs.dtype), outputs], axis=-1)
            sequences = outputs
        return sequences, last, all_states

    def _drop(self, sequences):
        noise_shape = (ops.shape(sequences)[0], 1, sequences.shape[-1])
        return keras.random.dropout(sequences, self.dropout, noise_shape=noise_shape, seed=self.seed_generator)

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {
            **super().get_config(),
            "layers": [keras.saving.serialize_keras_object(layer) for layer in self.layers],
            "dropout": self.dropout,
            "residual": self.residual,
            "dense": self.dense,
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "seed": self.seed,
        }
