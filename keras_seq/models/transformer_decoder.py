"""The decoder of a Transformer."""

import math

import keras
from keras import ops

from keras_seq.models.decoder import Decoder
from keras_seq.models.memory import steps_of, steps_shape
from keras_seq.models.transformer_encoder import build_stack, check_transformer


@keras.saving.register_keras_serializable(package="keras_seq")
class TransformerDecoder(Decoder):
    """The decoder of Vaswani et al. (2017), "Attention Is All You Need".

    Layers of causal self-attention, attention to the memory, and feed-forward networks, over the embedded targets.
    Built without a memory, the layers have no attention to one: a language model. See `TransformerEncoder` on
    pre-norm and post-norm.

    While stepping, each layer has a cache of the keys and values of the steps so far: a step costs the same however
    many came before, but for the attention to them.

    Args:
        vocabulary_size: Number of ids; id 0 is padding.
        size: Size of the embeddings and of the model. Defaults to `256`.
        layers: Positive integer, number of layers. Defaults to `2`.
        heads: Positive integer, number of heads; the size must be a multiple of it. Defaults to `4`.
        hidden_size: Size of the hidden layer of the feed-forward networks. Defaults to four times the size.
        positions: `"sinusoidal"` or `"learned"` vectors that are added to the embeddings, `"relative"` or `"rotary"`
            positions in each self-attention, or `None`. Defaults to `"sinusoidal"`.
        max_length: Number of learned positions. Defaults to `512`.
        max_distance: The largest relative distance. Defaults to `16`.
        pre_norm: Whether each part is normalised before it. Defaults to `True`.
        activation: Activation of the feed-forward networks. Defaults to `"relu"`.
        dropout: Fraction that is dropped while training, of the embeddings and what each part of a layer puts out.
            Defaults to `0.0`.
        inner_dropout: The same, of the weights of attention and the hidden layers. Defaults to `None`: as `dropout`.
        tied_embeddings: Whether the embeddings are the kernel of the output as well (Press and Wolf 2017). Defaults to
            `True`.
        seed: Optional seed of the dropout.
        **kwargs: The arguments of a layer.

    Call arguments:
        targets: Integer tensor `[batch, time]`, what each step is given; padding, 0, stands at the end.
        memory: Optional tensor `[batch, memory_time, features]`, or a `Memory`, of which the outputs are looked at.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.
        training: Whether the layer runs in training mode.

    Output shape:
        Logits, float32 `[batch, time, vocabulary_size]`.

    Example:

    >>> decoder = keras_seq.TransformerDecoder(8000, size=64)
    >>> decoder(np.array([[2, 17, 4]]), memory=np.random.random((1, 10, 64))).shape
    (1, 3, 8000)
    """

    def __init__(
        self,
        vocabulary_size,
        size=256,
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
        tied_embeddings=True,
        seed=None,
        **kwargs,
    ):
        super().__init__(vocabulary_size, size, tied_embeddings, **kwargs)
        check_transformer(layers, heads, hidden_size, positions, dropout, inner_dropout)
        self.size = size
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

    def build(self, targets_shape, memory_shape=None):
        """Create the layers for targets `[batch, time]`, and for a memory if there is one."""
        self.looks_at_memory = memory_shape is not None
        memory_shape = steps_shape(memory_shape) if self.looks_at_memory else None
        self.build_vocabulary(self.size)
        shape = (None, None, self.size)
        self.stack = build_stack(self, self.settings, shape, causal=True, memory_shape=memory_shape)
        self.built = True

    def features(self, targets, memory=None, memory_mask=None, training=False):
        """The outputs of the top layer, `[batch, time, size]`; see `Decoder.features`."""
        memory, memory_mask = self._memory(memory), steps_of(memory_mask)
        sequences = self._embed(targets, None)
        sequences = self.dropout(sequences, training=training)
        for layer in self.stack:
            sequences = layer(sequences, memory=memory, memory_mask=memory_mask, training=training)
        return sequences if self.norm is None else self.norm(sequences)

    def start(self, memory=None, memory_mask=None, batch_size=None, max_length=None, training=False):
        """The state before the first of `max_length` steps; see `Decoder.start`."""
        if max_length is None:
            raise ValueError("A Transformer keeps a place for each step: `start` needs `max_length`. Received: None")
        memory = self._memory(memory)
        batch_size = ops.shape(memory)[0] if batch_size is None else batch_size
        layers = [layer.start(batch_size, max_length, memory, memory_mask) for layer in self.stack]
        return {"layers": layers, "length": ops.zeros((batch_size,), dtype="int32")}

    def step(self, tokens, state, training=False, kernel=None):
        """One step; the alignment is the mean over the heads of the last layer. See `Decoder.step`."""
        length = state["length"]
        outputs, layers, weights = self._embed(tokens, length), [], None
        for layer, its in zip(self.stack, state["layers"], strict=True):
            outputs, its, weights = layer.step(outputs, its, length)
            layers.append(its)
        logits = self.score(outputs if self.norm is None else self.norm(outputs), kernel)
        alignment = None if weights is None else ops.mean(weights, axis=1)
        return logits, {"layers": layers, "length": length + 1}, alignment

    def prefill(self, tokens, state, length):
        """Read the first tokens at once, as a prompt.

        Args:
            tokens: Integer tensor `[batch, time]`.
            state: What `start` returned, for at least as many steps.
            length: int32 tensor `[batch]`, how many of the tokens a row has, from 0; the others are not read.

        Returns:
            The state after these tokens, for `step`.
        """
        outputs, layers = self._embed(tokens, None), []
        for layer, its in zip(self.stack, state["layers"], strict=True):
            outputs, its = layer.prefill(outputs, its, length)
            layers.append(its)
        return {"layers": layers, "length": length}

    def _embed(self, tokens, places):
        """Embedded tokens `[...]` at their places, `[..., size]`."""
        embedded = ops.multiply(self.embedding(tokens), math.sqrt(self.size))
        return embedded if self.positions is None else self.positions(embedded, places=places)

    def _memory(self, memory):
        if (memory is not None) != self.looks_at_memory:
            built = "with" if self.looks_at_memory else "without"
            raise ValueError(f"The decoder was built {built} a memory. Received: memory={memory!r}")
        return None if memory is None else steps_of(memory)

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {
            **super().get_config(),
            "size": self.size,
            **self.settings,
            "tied_embeddings": self.tied_embeddings,
        }
