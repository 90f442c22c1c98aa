"""N -> N: one class for each step of a sequence of ids."""

import keras
from keras import ops

from keras_seq.models.embedded_model import EmbeddedModel, build_in_a_row


@keras.saving.register_keras_serializable(package="keras_seq")
class SequenceTagger(EmbeddedModel):
    """Classify every step of a sequence: embedding, encoder, and one score a class at each step.

    Inputs and outputs are equally long. With an encoder that reads in both directions this is a tagger (parts of
    speech, named entities); with one that reads forwards, and the next ids as targets, a language model.

    The mask of the outputs is that of the ids, so that Keras' losses and metrics leave padding out.

    The state of the encoder is a value that goes in and comes out, for batches of any size. A text that is too long for
    one batch is read piece by piece, and trained so by `TruncatedBPTT`:

    >>> encoder = keras_seq.Recurrent(keras_seq.LSTMCell(64), return_sequences=True, return_state=True)
    >>> model = keras_seq.SequenceTagger(256, classes=256, encoder=encoder)
    >>> text = np.random.randint(1, 256, (3, 100))
    >>> logits, state = model(text[:, :50])
    >>> logits, state = model(text[:, 50:], initial_state=state)  # as if the 100 steps were one call

    Args:
        vocabulary_size: Number of ids; id 0 is padding.
        classes: Number of classes, at least 2. Two classes have two scores.
        embedding_size: Size of a word vector. Defaults to `128`.
        encoder: Layer from `[batch, time, embedding_size]` to `[batch, time, features]` that takes a `mask`, such as
            `Recurrent`, `Bidirectional` or `Stacked` with `return_sequences=True`, or `Segmented`. With its
            `return_state=True` the model returns the states, too. `None` classifies the word vectors themselves.
        word_dropout: Fraction of the words whose vectors are dropped while training. Defaults to `0.0`.
        embedding_dropout: Fraction of the components of word vectors that are dropped while training, each by itself.
            Defaults to `0.0`.
        output_dropout: Fraction of the features of each step that are dropped while training. Defaults to `0.0`.
        seed: Optional seed of the dropouts.

    Call arguments:
        ids: Integer tensor `[batch, time]`, 0 where a sequence is padded.
        initial_state: Optional list of the states that the encoder starts from.
        reset: Optional boolean tensor `[batch, time]`, true at the first step of a document where a row holds several.
        training: Whether the model runs in training mode.

    Output shape:
        Logits, float32 `[batch, time, classes]`; with an encoder that has `return_state=True` a tuple of the logits and
        the list of the encoder's states.

    Example:

    >>> encoder = keras_seq.Bidirectional(keras_seq.Recurrent(keras_seq.LSTMCell(64), return_sequences=True))
    >>> model = keras_seq.SequenceTagger(10_000, classes=17, encoder=encoder)
    >>> model(np.array([[5, 8, 2, 0], [7, 7, 0, 0]])).shape
    (2, 4, 17)
    """

    def __init__(
        self,
        vocabulary_size,
        classes,
        embedding_size=128,
        encoder=None,
        word_dropout=0.0,
        embedding_dropout=0.0,
        output_dropout=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(
            vocabulary_size,
            classes,
            embedding_size,
            {"encoder": encoder},
            word_dropout,
            embedding_dropout,
            output_dropout,
            seed,
            **kwargs,
        )
        self.return_state = getattr(encoder, "return_state", False)

    def build(self, ids_shape=None):
        """Build all parts for ids `[batch, time]`."""
        if not self.embedding.built:
            self.embedding.build((None, None))
        shape = build_in_a_row([self.encoder], (None, None, self.embedding_size))
        if len(shape) != 3:
            raise ValueError(
                "Argument `encoder` must put out [batch, time, features], as with `return_sequences=True`. "
                f"Received an encoder that puts out {shape}"
            )
        build_in_a_row([self.head], shape)
        self.built = True

    def get_initial_state(self, batch_size):
        """Return the list of states that the encoder starts from."""
        return self.encoder.get_initial_state(batch_size)

    def call(self, ids, initial_state=None, reset=None, training=False):
        """Classify each step: ids `[batch, time]` to logits `[batch, time, classes]`."""
        features, states = self.embed(ids, training=training), []
        if self.encoder is not None:
            given = {"initial_state": initial_state, "reset": reset}
            given = {name: value for name, value in given.items() if value is not None}
            features = self.encoder(features, mask=ops.not_equal(ids, 0), training=training, **given)
        if self.return_state:
            features, *states = features
        logits = self.score(features, training=training)
        return (logits, states) if self.return_state else logits

    def compute_mask(self, ids, mask=None):
        """The mask of the logits: true where the ids are not padding."""
        mask = ops.not_equal(ids, 0)
        return (mask, [None for _ in self.encoder.state_size]) if self.return_state else mask
