"""N -> M: a sequence from a sequence of another length."""

from typing import Any

import keras
from keras import ops

from keras_seq.decoding.compiled import compiled
from keras_seq.decoding.decode import decode
from keras_seq.models.decoder import Decoder
from keras_seq.models.memory import Memory
from keras_seq.recurrent.as_driver import as_driver
from keras_seq.recurrent.driver import Driver
from keras_seq.recurrent.sliced import Sliced


@keras.saving.register_keras_serializable(package="keras_seq")
class EncoderDecoder(keras.Model):
    """An encoder that reads a sequence of ids, and a decoder that writes another one.

    Sutskever et al. (2014) and Cho et al. (2014) for recurrent parts, Bahdanau et al. (2015) with attention, Vaswani et
    al. (2017) for Transformers: any encoder goes with any decoder.

    `fit` takes `((source, target_inputs), targets)`: the target inputs are the targets, moved on by one step behind a
    start token. Padding is 0 everywhere; the logits carry the mask of the target inputs.

    Args:
        vocabulary_size: Number of ids of the source; id 0 is padding.
        encoder: A cell, a layer that runs cells along time, such as `Recurrent`, `Bidirectional`, `Stacked`,
            `Segmented` or `Sliced`, or any other layer from `[batch, time, embedding_size]` to
            `[batch, time, features]` that takes a `mask`, such as `TransformerEncoder`. The own
            `return_sequences` and `return_state` of a layer do not matter here. `None` hands on the embeddings.
        decoder: A `Decoder`: `RecurrentDecoder` or `TransformerDecoder`.
        embedding_size: Size of an embedding of the source. Defaults to that of the decoder.
        shared_embedding: Whether the source is embedded as the targets are, for one vocabulary. Defaults to `False`.
        dropout: Fraction of the features of the embedded source that is dropped while training; one mask holds for all
            steps of a sequence. Defaults to `0.0`.
        scheduled_sampling: Optional `ScheduledSampling`, instead of teacher forcing alone.
        start_token: Id that decoding begins with. Defaults to `2`.
        end_token: Id that ends a sequence. Defaults to `3`.
        features_in_training: Whether, while training, `{"features": ...}` stands in the place of the logits: what they
            are made of, `[batch, target_time, features]`, for `output_cross_entropy` or `sampled_softmax`. Defaults to
            `False`.
        seed: Optional seed of the dropout.
        **kwargs: The arguments of a model.

    Call arguments:
        inputs: Pair of integer tensors: source `[batch, source_time]` and target inputs `[batch, target_time]`.
        training: Whether the model runs in training mode.

    Output shape:
        Logits, float32 `[batch, target_time, target vocabulary]`.

    Example:

    >>> encoder = keras_seq.Bidirectional(keras_seq.Recurrent(keras_seq.GRUCell(64)))
    >>> decoder = keras_seq.RecurrentDecoder(5000, keras_seq.GRUCell(64), attention=keras_seq.AdditiveAttention(64))
    >>> model = keras_seq.EncoderDecoder(8000, encoder, decoder)
    >>> source, target_inputs = np.array([[5, 7, 9, 0]]), np.array([[2, 8, 6]])
    >>> model((source, target_inputs)).shape
    (1, 3, 5000)
    >>> model.decode(source, keras_seq.decoding.BeamSearch(4), max_length=10).ids.shape
    (1, 1, 10)
    """

    def __init__(
        self,
        vocabulary_size,
        encoder,
        decoder,
        embedding_size=None,
        shared_embedding=False,
        dropout=0.0,
        scheduled_sampling=None,
        start_token=2,
        end_token=3,
        features_in_training=False,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(decoder, Decoder):
            raise ValueError(
                f"Argument `decoder` must be a `Decoder`, such as `RecurrentDecoder`. Received: {decoder!r}"
            )
        if encoder is not None and not callable(encoder):
            raise ValueError(f"Argument `encoder` must be a cell or a layer. Received: encoder={encoder!r}")
        if shared_embedding and (vocabulary_size, embedding_size or decoder.embedding_size) != (
            decoder.vocabulary_size,
            decoder.embedding_size,
        ):
            raise ValueError(
                "`shared_embedding=True` needs one vocabulary and one size of embeddings. Received: "
                f"{vocabulary_size} and {decoder.vocabulary_size} ids, sizes {embedding_size} and "
                f"{decoder.embedding_size}"
            )
        if features_in_training and scheduled_sampling is not None:
            raise ValueError(
                "`features_in_training` and `scheduled_sampling` exclude each other: sampling needs the logits. "
                f"Received: scheduled_sampling={scheduled_sampling!r}"
            )
        self.supports_masking = True
        self.vocabulary_size = vocabulary_size
        self.encoder = as_driver(encoder, "encoder") if _is_cell(encoder) else encoder
        self.decoder = decoder
        self.embedding_size = embedding_size or decoder.embedding_size
        self.shared_embedding = shared_embedding
        self.dropout = dropout
        self.scheduled_sampling = scheduled_sampling
        self.start_token = start_token
        self.end_token = end_token
        self.features_in_training = features_in_training
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.embedding: Any = None
        if not shared_embedding:
            self.embedding = keras.layers.Embedding(vocabulary_size, self.embedding_size, name="embedding")

    def build(self, input_shape=None):
        """Build all parts."""
        if self.embedding is not None:
            self.embedding.build((None, None))
        shape: Any = (None, None, self.embedding_size)
        if self.encoder is not None:
            if not self.encoder.built:
                self.encoder.build(shape)
            if isinstance(self.encoder, Driver):
                size = self.encoder.output_size
                shape = Memory((None, None, size), (None, size), [(None, size) for size in self.encoder.state_size])
            else:
                shape = self.encoder.compute_output_shape(shape)
                shape = (shape[0], 1, shape[1]) if len(shape) == 2 else shape
        if not self.decoder.built:
            self.decoder.build((None, None), memory_shape=shape)
        if self.scheduled_sampling is not None:
            self.training_steps = self.add_weight(
                shape=(),
                initializer="zeros",
                dtype="int32",
                trainable=False,
                aggregation="only_first_replica",
                name="training_steps",
            )
        self.built = True

    def call(self, inputs, training=False):
        """Teacher forcing, or scheduled sampling while training: a pair of ids to logits."""
        source, targets = inputs
        memory, memory_mask = self.encode(source, training=training)
        if training and self.features_in_training:
            return {"features": self.decoder.features(targets, memory, memory_mask=memory_mask, training=True)}
        if not training or self.scheduled_sampling is None:
            return self.decoder(targets, memory, memory_mask=memory_mask, training=training)
        logits = self.scheduled_sampling.run(
            self.decoder, targets, memory, memory_mask, self.scheduled_sampling.probability(self.training_steps)
        )
        self.training_steps.assign(self.training_steps + 1)
        return logits

    def encode(self, source, training=False):
        """What the decoder is given of source ids `[batch, source_time]`: `(memory, memory_mask)`."""
        mask = ops.not_equal(source, 0)
        embedded = self.decoder.embedding(source) if self.shared_embedding else self.embedding(source)
        if training and self.dropout:
            noise_shape = (ops.shape(embedded)[0], 1, self.embedding_size)
            embedded = keras.random.dropout(embedded, self.dropout, noise_shape=noise_shape, seed=self.seed_generator)
        if self.encoder is None:
            return embedded, mask
        if isinstance(self.encoder, Sliced):  # there is but one step to look at
            _, last, states = self.encoder.run(embedded, None, mask, training, False)
            return Memory(ops.expand_dims(last, 1), last, states), None
        if isinstance(self.encoder, Driver):
            return Memory(*self.encoder.run(embedded, None, mask, training, True)), mask
        outputs = self.encoder(embedded, mask=mask, training=training)
        return (outputs, mask) if len(outputs.shape) == 3 else (ops.expand_dims(outputs, 1), None)

    def decode(self, source, strategy=None, max_length=100, constraints=(), seed=None, **options):
        """Decode a sequence for each row of source ids `[batch, source_time]`.

        Called eagerly this is a loop in Python; `decoding_function` gives the compiled one.

        Args:
            source: Integer tensor `[batch, source_time]`.
            strategy: Strategy, such as `BeamSearch(4)`. Defaults to `Greedy()`.
            max_length: Largest number of tokens, the end token included. Defaults to `100`.
            constraints: List of constraints, such as `MinimumLength(3)`.
            seed: Seed for strategies that draw.
            **options: Further arguments of `keras_seq.decoding.decode`.

        Returns:
            A `Decoded`.
        """
        source = ops.convert_to_tensor(source, dtype="int32")
        if not self.built:
            self.build()
        memory, memory_mask = self.encode(source)
        state = self.decoder.start(memory, memory_mask, max_length=max_length)
        return decode(
            self.decoder.stepper(),
            state,
            self.start_token,
            self.end_token,
            max_length,
            strategy,
            constraints,
            seed,
            memory_mask,
            **options,
        )

    def decoding_function(self, strategy=None, max_length=100, constraints=(), jit_compile=False, **options):
        """A compiled function from source ids to a `Decoded`: `decode` with these arguments.

        The function takes the source and, for strategies that draw, a seed: an integer or an integer tensor.

        Args:
            strategy: As in `decode`, like `max_length` and `constraints`.
            jit_compile: Whether XLA compiles the graph of TensorFlow, for some seconds and anew for each shape of the
                source. On a CPU it helps a Transformer with few rows and slows recurrent decoders. Defaults to `False`.
            **options: Further arguments of `keras_seq.decoding.decode`.
        """
        if not self.built:
            self.build()
        function = compiled(
            lambda source, seed: self.decode(source, strategy, max_length, constraints, seed, **options),
            self,
            jit_compile,
        )

        def decode_source(source, seed=None):
            seed = seed if seed is None else ops.convert_to_tensor(seed, dtype="int32")
            return function(ops.convert_to_tensor(source, dtype="int32"), seed)

        return decode_source

    def compute_mask(self, inputs, mask=None):
        """The mask of the target inputs."""
        return ops.not_equal(inputs[1], 0)

    def compute_output_shape(self, input_shape):
        """`[batch, target_time, target vocabulary]`."""
        return (*input_shape[1], self.decoder.vocabulary_size)

    def get_config(self):
        """Return the arguments that build this model again."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "embedding_size": self.embedding_size,
            "shared_embedding": self.shared_embedding,
            "dropout": self.dropout,
            "scheduled_sampling": keras.saving.serialize_keras_object(self.scheduled_sampling),
            "start_token": self.start_token,
            "end_token": self.end_token,
            "features_in_training": self.features_in_training,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Build the model that `get_config` describes."""
        config = dict(config)
        for part in ("encoder", "decoder", "scheduled_sampling"):
            config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects=custom_objects)
        return cls(**config)


def _is_cell(layer):
    return hasattr(layer, "state_size") and not isinstance(layer, Driver)
