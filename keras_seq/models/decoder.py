"""The contract of a decoder: teacher forcing, or one step at a time."""

import keras
from keras import ops


class Decoder(keras.layers.Layer):
    """From the tokens so far, and a memory if there is one, to scores for the next token.

    `call` is teacher forcing: the targets are known, so that all steps are computed from them. `start` and `step` are
    the same one step at a time, for `decode`: stepping through the targets gives the scores of `call`.
    Without a memory a decoder is a language model.

    A memory is a tensor `[batch, memory_time, features]`, such as a Transformer encoder puts out, or a `Memory`: the
    outputs of a recurrent encoder with its final states. It is an argument of every call, never kept on the layer.

    A subclass defines `features`, `start` and `step`.

    Args:
        vocabulary_size: Number of ids of the targets; id 0 is padding.
        embedding_size: Size of the embedding of a token.
        tied_embeddings: Whether the logits are products with the embeddings, not with weights of their own. Defaults
            to `False`.
        **kwargs: The arguments of a layer.

    Call arguments:
        targets: Integer tensor `[batch, time]`, what each step is given: a start token, then the tokens before the one
            to predict. Padding, 0, stands at the end; it changes no step before it.
        memory: Optional memory.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.
        training: Whether the layer runs in training mode.

    Returns:
        Logits, float32 `[batch, time, vocabulary_size]`, with the mask of the targets.
    """

    # Whether `start` and `step` have a training mode, in which the noise is that of `call`.
    steps_in_training = False

    def __init__(self, vocabulary_size, embedding_size, tied_embeddings=False, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.vocabulary_size = vocabulary_size
        self.embedding_size = embedding_size
        self.tied_embeddings = tied_embeddings
        self.embedding = keras.layers.Embedding(
            vocabulary_size, embedding_size, dtype=self.dtype_policy, name="embedding"
        )
        # Probabilities are taken from the logits, so they stay in float32 under mixed precision.
        self.head = None if tied_embeddings else keras.layers.Dense(vocabulary_size, dtype="float32", name="head")

    def build_vocabulary(self, features):
        """Build the embedding, and the head for outputs of size `features`."""
        if self.tied_embeddings and features != self.embedding_size:
            raise ValueError(
                "`tied_embeddings=True` needs outputs of the size of the embeddings. "
                f"Received: outputs of size {features}, embedding_size={self.embedding_size}"
            )
        if not self.embedding.built:
            self.embedding.build((None, None))
        if self.head is not None:
            self.head.build((None, None, features))

    def score(self, outputs, kernel=None):
        """Logits, float32 `[..., vocabulary_size]`, of outputs `[..., features]`.

        With tied embeddings, `kernel` is what `output_kernel` returned; without, it is computed here.
        """
        if self.head is not None:
            return self.head(outputs)
        kernel = self.output_kernel() if kernel is None else kernel
        return ops.cast(ops.matmul(outputs, kernel), "float32")

    def output_weights(self):
        """The kernel `[features, vocabulary_size]` of the logits, and their bias `[vocabulary_size]` or None."""
        return (self.output_kernel(), None) if self.head is None else (self.head.kernel, self.head.bias)

    def output_kernel(self):
        """The tied embeddings as a kernel `[embedding_size, vocabulary_size]`; None where there is a head."""
        if self.head is not None:
            return None
        return ops.transpose(ops.cast(self.embedding.embeddings, self.compute_dtype))

    def call(self, targets, memory=None, memory_mask=None, training=False):
        """Teacher forcing: targets `[batch, time]` to logits `[batch, time, vocabulary_size]`."""
        return self.score(self.features(targets, memory, memory_mask, training))

    def features(self, targets, memory=None, memory_mask=None, training=False):
        """What the logits of `call` are made of, `[batch, time, features]`."""
        raise NotImplementedError(
            f"{type(self).__name__} must define features(targets, memory, memory_mask, training)."
        )

    def start(self, memory=None, memory_mask=None, batch_size=None, max_length=None, training=False):
        """The state before the first step.

        Args:
            memory: As in `call`, like `memory_mask`.
            batch_size: Integer or scalar tensor; needed where there is no memory.
            max_length: Largest number of steps; needed by decoders whose state has a place for each of them.
            training: Whether the layer runs in training mode, where it can be stepped in it.

        Returns:
            A nest of tensors with the batch first, whose shapes stay.
        """
        raise NotImplementedError(f"{type(self).__name__} must define start(memory, memory_mask, ...).")

    def stepper(self):
        """The function `step` for a loop: what depends on the weights alone is computed here, once."""
        kernel = self.output_kernel()
        return lambda tokens, state: self.step(tokens, state, kernel=kernel)

    def step(self, tokens, state, training=False, kernel=None):
        """One step.

        Args:
            tokens: Integer tensor `[batch]`.
            state: What `start` or the last step returned.
            training: Whether the layer runs in training mode, where it can be stepped in it.
            kernel: Optional result of `output_kernel`, for a loop.

        Returns:
            `(logits, state, alignment)`: float32 `[batch, vocabulary_size]`, the new state, and where the attention
            looked, `[batch, memory_time]`, or None.
        """
        raise NotImplementedError(f"{type(self).__name__} must define step(tokens, state).")

    def compute_mask(self, targets, mask=None):
        """The mask of the targets, for losses and metrics."""
        return ops.not_equal(targets, 0)

    def compute_output_shape(self, targets_shape, memory_shape=None, memory_mask_shape=None):
        """`[batch, time, vocabulary_size]`."""
        return (*targets_shape, self.vocabulary_size)

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size}
