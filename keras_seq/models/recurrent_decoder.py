"""A recurrent decoder, with a context, an attention or both."""

import keras
from keras import ops

from keras_seq.attention.additive import AdditiveAttention
from keras_seq.attention.attention_cell import AttentionCell
from keras_seq.cells.cell import RecurrentCell
from keras_seq.models.bridge import Bridge
from keras_seq.models.context import Context
from keras_seq.models.decoder import Decoder
from keras_seq.models.memory import steps_of, steps_shape
from keras_seq.models.step_dropout import draw_mask, drop
from keras_seq.recurrent.recurrent import Recurrent
from keras_seq.recurrent.weight_dropout import dropped_weights

USES = ("initial_state", "every_step", "both", "attention")
PLACES = ("top", "bottom")


@keras.saving.register_keras_serializable(package="keras_seq")
class RecurrentDecoder(Decoder):
    """Recurrent cells that put out a sequence, one token after the other.

        s_t = cells(embedding(y_{t-1}), s_{t-1})
        logits_t = s_t W + b

    What the decoder knows of the memory is the context c, one vector a row, and what an attention sees of it.

    | `context` | | |
    | --- | --- | --- |
    | `"last"` | `c = h_T` | the last state, Sutskever et al. (2014) |
    | `"dense"` | `c = tanh(h_T W + b)` | a transformation of the last state, Cho et al. (2014) |
    | `"pooled"` | `c = tanh(pool(h_1 ... h_T) W + b)` | a transformation of all states |

    | `use` | |
    | --- | --- |
    | `"initial_state"` | `s_0` is made of it |
    | `"every_step"` | it is an input of every step: `cells([embedding(y_{t-1}); c], s_{t-1})` |
    | `"both"` | both |
    | `"attention"` | not at all: the memory is seen through the attention alone |

    `s_0` is the final state of the encoder itself, for the context `"last"` and states of the same sizes; otherwise it
    is `tanh(c W + b)`. An attention joins any use. Without a memory the decoder is a language model.

    Args:
        vocabulary_size: Number of ids; id 0 is padding.
        cells: A cell, or a list of cells from the bottom to the top. One of them may be an `AttentionCell` that was
            made by hand.
        embedding_size: Size of an embedding. Defaults to the output size of the bottom cell.
        context: `"last"`, `"dense"` or `"pooled"`. Defaults to `"last"`.
        use: `"initial_state"`, `"every_step"`, `"both"` or `"attention"`. Defaults to `"initial_state"`.
        attention: Optional `Attention`, such as `AdditiveAttention(64)`, or a list of them. Its cell is made an
            `AttentionCell` with input feeding, as in Luong et al. (2015). With `use="attention"` it defaults to an
            `AdditiveAttention` of the size of the cell.
        attention_layer: Which cell looks at the memory, `"top"` or `"bottom"`. Defaults to `"top"`.
        context_size: Size of a transformed context. Defaults to the output size of the bottom cell.
        pooling: Pooling layer of `context="pooled"`. Defaults to `MeanPooling()`.
        dropout: Fraction of the features of every layer's input, and of the output, that is dropped while training. One
            mask holds for all steps of a sequence (Gal and Ghahramani 2016). Defaults to `0.0`.
        embedding_dropout: The fraction for what the bottom layer is given. Defaults to `dropout`.
        weight_dropout: Fraction of the entries of the recurrent kernels that is dropped while training, the same ones
            for all steps and rows of a batch (Merity et al. 2018); not in `step`. Defaults to `0.0`.
        tied_embeddings: Whether the embeddings are the kernel of the output as well (Press and Wolf 2017). Defaults to
            `False`.
        seed: Optional seed of the dropout.
        **kwargs: The arguments of a layer.

    Call arguments:
        targets: Integer tensor `[batch, time]`, what each step is given; padding, 0, stands at the end.
        memory: Optional tensor `[batch, memory_time, features]`, or a `Memory`: the outputs of an encoder, with its
            final states.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.
        training: Whether the layer runs in training mode.

    Output shape:
        Logits, float32 `[batch, time, vocabulary_size]`.

    Example:

    >>> decoder = keras_seq.RecurrentDecoder(8000, keras_seq.GRUCell(64), attention=keras_seq.AdditiveAttention(64))
    >>> decoder(np.array([[2, 17, 4]]), memory=np.random.random((1, 10, 32))).shape
    (1, 3, 8000)
    """

    steps_in_training = True

    def __init__(
        self,
        vocabulary_size,
        cells,
        embedding_size=None,
        context="last",
        use="initial_state",
        attention=None,
        attention_layer="top",
        context_size=None,
        pooling=None,
        dropout=0.0,
        embedding_dropout=None,
        weight_dropout=0.0,
        tied_embeddings=False,
        seed=None,
        **kwargs,
    ):
        cells = list(cells) if isinstance(cells, (list, tuple)) else [cells]
        if not cells or not all(isinstance(cell, RecurrentCell) for cell in cells):
            raise ValueError(f"Argument `cells` must be a cell of keras_seq or a list of them. Received: {cells!r}")
        for name, value, choices in (("use", use, USES), ("attention_layer", attention_layer, PLACES)):
            if value not in choices:
                raise ValueError(f"Argument `{name}` must be one of {choices}. Received: {name}={value!r}")
        rates = {"dropout": dropout, "embedding_dropout": embedding_dropout or 0.0, "weight_dropout": weight_dropout}
        for name, rate in rates.items():
            if not 0 <= rate < 1:
                raise ValueError(f"Argument `{name}` must be in [0, 1). Received: {name}={rate}")
        super().__init__(vocabulary_size, embedding_size or cells[0].output_size, tied_embeddings, **kwargs)
        looking = any(cell.alignment_size for cell in cells)
        if looking and attention is not None:
            raise ValueError("Pass an `attention`, or a cell that has one, not both.")
        if use == "attention" and attention is None and not looking:
            attention = AdditiveAttention(cells[-1 if attention_layer == "top" else 0].output_size)
        self.wraps = attention is not None
        if self.wraps:
            place = len(cells) - 1 if attention_layer == "top" else 0
            cells[place] = AttentionCell(cells[place], attention, input_feeding=True)
        self.layers = [Recurrent(cell, name=f"layer_{depth}") for depth, cell in enumerate(cells)]
        self.use = use
        self.attention_layer = attention_layer
        self.context_size = context_size
        self.dropout = dropout
        self.embedding_dropout = embedding_dropout
        self.weight_dropout = weight_dropout
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        size = context_size or cells[0].output_size
        self.context = Context(context, size, pooling, dtype=self.dtype_policy, name="context")

    @property
    def cells(self):
        """The cells, from the bottom to the top."""
        return [layer.cell for layer in self.layers]

    def build(self, targets_shape, memory_shape=None):
        """Create the weights for targets `[batch, time]`, and for a memory if there is one."""
        self.has_memory = memory_shape is not None
        self.at_start = self.has_memory and self.use in ("initial_state", "both")
        self.at_every_step = self.has_memory and self.use in ("every_step", "both")
        features, context_keywords = self.embedding_size, {}
        if self.at_start or self.at_every_step:
            self.context.build(memory_shape)
        if self.at_every_step:
            features += self.context.size
        if self.has_memory:
            context_keywords["memory_shape"] = steps_shape(memory_shape)
        self.input_sizes = []
        for layer in self.layers:
            self.input_sizes.append(features)
            layer.build((None, None, features), **context_keywords)
            features = layer.output_size
        if self.at_start:
            self._build_bridge()
        self.build_vocabulary(features)
        self.built = True

    def _build_bridge(self):
        sizes, whole_sizes = [], []
        for cell in self.cells:
            own = cell.state_sizes[: len(cell.state_sizes) - cell.optional_states]
            whole_sizes += own
            sizes += [size if place in cell.free_states else None for place, size in enumerate(own)]
        copy = self.context.kind == "last"
        self.bridge = Bridge(sizes, whole_sizes, copy, dtype=self.dtype_policy, name="bridge")
        self.bridge.build([(None, size) for size in self.context.state_sizes])

    def features(self, targets, memory=None, memory_mask=None, training=False):
        """The outputs of the top cell, `[batch, time, features]`; see `Decoder.features`."""
        memory_mask = steps_of(memory_mask)
        context, initial_states = self._begin(memory, memory_mask)
        sequences = self.embedding(targets)
        batch, time = ops.shape(targets)[0], ops.shape(targets)[1]
        if context is not None:
            context = ops.broadcast_to(ops.expand_dims(context, 1), (batch, time, context.shape[-1]))
            sequences = ops.concatenate([sequences, context], axis=-1)
        steps = {} if memory is None else {"memory": steps_of(memory), "memory_mask": memory_mask}
        masks = self._masks(batch, training)
        for layer, start, mask in zip(self.layers, initial_states, masks, strict=False):
            sequences = drop(sequences, mask, all_steps=True)
            with self._dropped_weights(layer, training):
                sequences, _, _ = layer.run(sequences, start, None, training, True, **steps)
        return drop(sequences, masks[-1], all_steps=True)

    def read_on(self, tokens, states, mask=None, reset=None, training=False):
        """A language model reads on: tokens `[batch, time]` from the states of each layer; see `LanguageModel`.

        Returns:
            The outputs of the top cell, `[batch, time, features]`, and the list of each layer's states after them.
        """
        sequences, after = self.embedding(tokens), []
        masks = self._masks(ops.shape(tokens)[0], training)
        for layer, start, dropped in zip(self.layers, states, masks, strict=False):
            sequences = drop(sequences, dropped, all_steps=True)
            with self._dropped_weights(layer, training):
                sequences, _, final = layer.run(sequences, list(start), mask, training, True, reset=reset)
            after.append(list(final))
        return drop(sequences, masks[-1], all_steps=True), after

    def resume(self, states, batch_size):
        """The state for `step`, of a language model that has read on to these states of each layer."""
        layers = [
            {"states": list(its), "constants": cell.constants(batch_size)}
            for cell, its in zip(self.cells, states, strict=True)
        ]
        return {"layers": layers, "context": None, "dropout": None}

    def start(self, memory=None, memory_mask=None, batch_size=None, max_length=None, training=False):
        """The state before the first step; see `Decoder.start`."""
        context, initial_states = self._begin(memory, memory_mask)
        steps = None if memory is None else steps_of(memory)
        if batch_size is None:
            if steps is None:
                raise ValueError("Without a memory, `start` needs `batch_size`. Received: batch_size=None")
            batch_size = ops.shape(steps)[0]
        layers = []
        for layer, start in zip(self.layers, initial_states, strict=True):
            constants = layer.cell.constants(batch_size, training, steps, memory_mask)
            states = layer.initial_states(batch_size, start, constants)
            layers.append({"states": states, "constants": constants})
        dropping = training and (self.dropout or self.embedding_dropout)
        masks = self._masks(batch_size, training) if dropping else None
        return {"layers": layers, "context": context, "dropout": masks}

    def step(self, tokens, state, training=False, kernel=None):
        """One step; the alignment is that of the layer that looks at the memory. See `Decoder.step`."""
        features, state, alignment = self.step_features(tokens, state, training)
        return self.score(features, kernel), state, alignment

    def step_features(self, tokens, state, training=False):
        """One step as far as the output of the top cell, `[batch, features]`, in the place of the logits."""
        output = self.embedding(tokens)  # [batch, embedding_size]
        if state["context"] is not None:
            output = ops.concatenate([output, state["context"]], axis=-1)
        masks = state["dropout"] or [None] * (len(self.layers) + 1)
        layers, alignment = [], None
        for cell, its, mask in zip(self.cells, state["layers"], masks, strict=False):
            constants = its["constants"]
            keywords = {} if constants is None else {"constants": constants}
            projected = cell.project_sequences(drop(output, mask), training, constants)
            output, states = cell.step(projected, its["states"], training=training, **keywords)
            layers.append({"states": list(states), "constants": constants})
            if cell.alignment_size:
                alignment = _one_alignment(cell.alignments(states))
        return drop(output, masks[-1]), {**state, "layers": layers}, alignment

    def _begin(self, memory, memory_mask):
        """The context if it is an input, and the list of initial states of each layer, or None."""
        if (memory is not None) != self.has_memory:
            built = "with" if self.has_memory else "without"
            raise ValueError(f"The decoder was built {built} a memory. Received: memory={memory!r}")
        starts = [None] * len(self.layers)
        if not (self.at_start or self.at_every_step):
            return None, starts
        context, vectors = self.context(memory, memory_mask=memory_mask)
        if self.at_start:
            states = self.bridge(vectors)
            for depth, cell in enumerate(self.cells):
                count = len(cell.state_sizes) - cell.optional_states
                starts[depth], states = states[:count], states[count:]
        return ops.cast(context, self.compute_dtype) if self.at_every_step else None, starts

    def _dropped_weights(self, layer, training):
        return dropped_weights(layer, self.weight_dropout if training else 0.0, self.seed_generator)

    def _masks(self, batch_size, training):
        """The masks of the dropout `[batch, size]`: of every layer's input, and of the output."""
        sizes = [*self.input_sizes, self.layers[-1].output_size]
        if not training:
            return [None] * len(sizes)
        first = self.dropout if self.embedding_dropout is None else self.embedding_dropout
        rates = [first] + [self.dropout] * len(self.layers)
        shapes = [(batch_size, size) for size in sizes]
        how = self.compute_dtype, self.seed_generator
        return [draw_mask(shape, rate, *how) for shape, rate in zip(shapes, rates, strict=True)]

    def get_config(self):
        """Return the arguments that build this layer again."""
        cells, attention = self.cells, None
        if self.wraps:
            place = len(cells) - 1 if self.attention_layer == "top" else 0
            looking, cells[place] = cells[place], cells[place].cell
            attention = looking.get_config()["attention"]
        return {
            **super().get_config(),
            "cells": [keras.saving.serialize_keras_object(cell) for cell in cells],
            "embedding_size": self.embedding_size,
            "context": self.context.kind,
            "use": self.use,
            "attention": attention,
            "attention_layer": self.attention_layer,
            "context_size": self.context_size,
            "pooling": keras.saving.serialize_keras_object(self.context.pooling),
            "dropout": self.dropout,
            "embedding_dropout": self.embedding_dropout,
            "weight_dropout": self.weight_dropout,
            "tied_embeddings": self.tied_embeddings,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        """Build the layer that `get_config` describes."""
        layers = {name: _deserialize(config[name]) for name in ("cells", "attention", "pooling")}
        return cls(**{**config, **layers})


def _deserialize(config):
    if isinstance(config, list):
        return [_deserialize(one) for one in config]
    return keras.saving.deserialize_keras_object(config)


def _one_alignment(weights):
    """The mean `[batch, memory_time]` over several attentions, and over heads."""
    weights = weights if isinstance(weights, list) else [weights]
    weights = [ops.mean(one, axis=1) if len(one.shape) == 3 else one for one in weights]
    return weights[0] if len(weights) == 1 else sum(weights) / len(weights)
