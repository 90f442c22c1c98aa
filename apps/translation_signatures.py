"""The functions of an exported translator: strings in, strings out, with all that a beam search has seen."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from apps.translation_beam import AdjustableBeamSearch
from keras_seq.decoding import BeamSearch, Decoded, ForbiddenTokens, Greedy
from keras_seq.models import EncoderDecoder

if TYPE_CHECKING:
    from apps.translation_config import DecodingConfig

PADDING_ID, UNKNOWN_ID, START_ID, END_ID = range(4)
NEVER_WRITTEN = (PADDING_ID, UNKNOWN_ID, START_ID)
WIDEST = 10
LONGEST_SCORED = 512

TEXT = tf.TensorSpec([None], tf.string, name="text")
TRANSLATION = tf.TensorSpec([None], tf.string, name="translation")
SEARCH = (
    tf.TensorSpec([], tf.int32, name="beam_width"),
    tf.TensorSpec([], tf.float32, name="length_penalty"),
    tf.TensorSpec([], tf.int32, name="n_best"),
    tf.TensorSpec([], tf.int32, name="max_length"),
)


def translate_inputs(
    texts: Sequence[str | bytes],
    beam_width: int = 5,
    length_penalty: float = 0.6,
    n_best: int = 1,
    max_length: int = 0,
) -> dict[str, Any]:
    """The inputs of `translate`. A `max_length` of 0 follows from the length of the texts."""
    return {
        "text": list(texts),
        "beam_width": beam_width,
        "length_penalty": length_penalty,
        "n_best": n_best,
        "max_length": max_length,
    }


def translation_signatures(
    model: EncoderDecoder, tokenizer: Any, decoding: "DecodingConfig", max_source: int | None
) -> dict[str, Any]:
    """The functions of a translator by name.

    Args:
        model: The built encoder-decoder.
        tokenizer: Its `LanguagePair`.
        decoding: How translations are looked for.
        max_source: Tokens of a sentence that are read at most; None for all.
    """
    functions = _Functions(model, tokenizer, decoding, max_source)

    def graph(function: Callable[..., Any], *specifications: Any) -> Any:
        return tf.function(function, input_signature=list(specifications), jit_compile=False, autograph=False)

    return {
        "serving_default": graph(functions.answer, TEXT),
        "translate": graph(functions.translate, TEXT, *SEARCH),
        "score": graph(functions.score, TEXT, TRANSLATION),
    }


class _Functions:
    """What the signatures compute."""

    def __init__(
        self, model: EncoderDecoder, tokenizer: Any, decoding: "DecodingConfig", max_source: int | None
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.decoding = decoding
        self.max_source = max_source
        self.forbid = ForbiddenTokens(NEVER_WRITTEN)

    def encode(self, text: tf.Tensor) -> tf.Tensor:
        """Source ids [batch, time] of texts; a row of an empty text holds the end mark alone."""
        ids = self.tokenizer.source.encode(text)
        return _dense(ids if self.max_source is None else _cut(ids, self.max_source))

    def most(self, source: tf.Tensor) -> tf.Tensor:
        """How many tokens a translation may have: twice those of the longest source, and some more."""
        return tf.minimum(self.decoding.max_length, 2 * tf.shape(source)[1] + 10)

    def decode(self, source: tf.Tensor, strategy: Any, max_length: tf.Tensor, alignments: bool) -> Decoded:
        """Translations of source ids, as ids."""
        return self.model.decode(source, strategy, max_length, [self.forbid], keep_alignments=alignments)

    def answer(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """The best translation of each text, with its score."""
        source = self.encode(text)
        width = self.decoding.beam_width
        strategy = Greedy() if width == 1 else BeamSearch(width, self.decoding.length_penalty)
        decoded = self.decode(source, strategy, self.most(source), alignments=False)
        translations = self._texts(source, decoded.ids)
        return {"translation": translations[:, 0], "score": decoded.scores[:, 0]}

    def translate(
        self,
        text: tf.Tensor,
        beam_width: tf.Tensor,
        length_penalty: tf.Tensor,
        n_best: tf.Tensor,
        max_length: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """The best translations of each text, where the decoder looked, and the beams of the search."""
        source = self.encode(text)
        width = tf.clip_by_value(beam_width, 1, WIDEST)
        n_best = tf.clip_by_value(n_best, 1, width)
        length = tf.where(max_length > 0, tf.minimum(max_length, LONGEST_SCORED), self.most(source))
        strategy = AdjustableBeamSearch(WIDEST, width, n_best, length_penalty)
        decoded = self.decode(source, strategy, length, alignments=True)
        longest = tf.reduce_max(tf.concat([[1], tf.reshape(decoded.lengths, [-1])], axis=0))
        ids = decoded.ids[:, :, :longest]
        if decoded.alignments is None:  # a decoder without attention looks nowhere
            alignment = tf.zeros(tf.concat([tf.shape(ids), tf.shape(source)[1:]], axis=0))
        else:
            alignment = decoded.alignments[:, :, :longest]
        steps = decoded.steps
        return {
            "translations": self._texts(source, ids),
            "scores": decoded.scores,
            "log_probabilities": decoded.log_probabilities,
            "source_tokens": self.tokenizer.source.read(source),
            "target_tokens": self.tokenizer.target.read(ids),
            "alignment": alignment,
            "beam_tokens": self.tokenizer.target.read(decoded.step_tokens[:, :steps]),
            "beam_parents": decoded.step_parents[:, :steps],
            "beam_scores": decoded.step_scores[:, :steps],
        }

    def _texts(self, source: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
        """Translations as texts; an empty text has an empty one."""
        empty = tf.equal(source[:, 0], END_ID)[:, None]
        return tf.where(empty, "", self.tokenizer.target.decode(ids))

    def score(self, text: tf.Tensor, translation: tf.Tensor) -> dict[str, tf.Tensor]:
        """How probable translations are, token by token, and which tokens would have been the most probable."""
        source = self.encode(text)
        targets = _dense(_cut(self.tokenizer.target.encode(translation), LONGEST_SCORED))
        valid = tf.not_equal(targets, PADDING_ID)
        starts = tf.fill([tf.shape(targets)[0], 1], START_ID)
        inputs = tf.where(valid, tf.concat([starts, targets[:, :-1]], axis=1), PADDING_ID)
        logits = tf.cast(self.model((source, inputs), training=False), tf.float32)
        chosen = -tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        chosen = tf.where(valid, chosen, 0.0)
        expected = tf.cast(tf.argmax(logits, axis=-1), tf.int32)
        return {
            "log_probability": tf.reduce_sum(chosen, axis=1),
            "tokens": self.tokenizer.target.read(targets),
            "token_log_probabilities": chosen,
            "expected": self.tokenizer.target.read(tf.where(valid, expected, PADDING_ID)),
        }


def _cut(ids: tf.RaggedTensor, longest: int) -> tf.RaggedTensor:
    """Rows of at most `longest` ids, of which the last is still the end mark."""
    ends = tf.RaggedTensor.from_uniform_row_length(tf.fill([ids.nrows()], END_ID), 1)
    return tf.concat([ids[:, :-1][:, : longest - 1], ends], axis=1)


def _dense(ids: tf.RaggedTensor) -> tf.Tensor:
    """[batch, time], with a step even if the batch is empty."""
    width = tf.maximum(1, tf.reduce_max(tf.concat([[1], tf.cast(ids.row_lengths(), tf.int32)], axis=0)))
    return tf.ensure_shape(ids.to_tensor(PADDING_ID, shape=tf.stack([-1, width])), [None, None])
