"""The functions of an exported language model: strings in, strings out, and one step at a time for streaming."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_seq.decoding import AdjustableSampling, ForbiddenTokens, decode
from keras_seq.decoding.constraint import Position
from keras_seq.decoding.random_numbers import uniforms
from keras_seq.models import CachedLanguageModel, LanguageModel

PADDING, UNKNOWN = 0, 1
DOCUMENT_MARK = "\x1c"
CANDIDATES = 20
SCORE_WINDOW = 256

TEXT = tf.TensorSpec([None], tf.string, name="text")
SETTINGS = (
    tf.TensorSpec([], tf.float32, name="temperature"),
    tf.TensorSpec([], tf.int32, name="top_k"),
    tf.TensorSpec([], tf.float32, name="top_p"),
)
SEED = tf.TensorSpec([], tf.int32, name="seed")


def prompt_inputs(
    texts: Sequence[str | bytes],
    temperature: float = 0.8,
    top_k: int = 0,
    top_p: float = 1.0,
    max_tokens: int = 200,
    seed: int = 1,
) -> dict[str, Any]:
    """The inputs of `serving_default` for some prompts."""
    return {
        "text": list(texts),
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "max_tokens": max_tokens,
        "seed": seed,
    }


def language_signatures(
    model: LanguageModel, tokenizer: Any, context: int, reader: LanguageModel | None = None
) -> dict[str, Callable[..., Any]]:
    """The functions of a language model by name.

    Args:
        model: The built language model.
        tokenizer: Its tokenizer.
        context: Tokens that a Transformer keeps in sight; prompts are cut to the last half of it.
        reader: The model with which texts are scored, if not that with which they are written.
    """
    functions = _Functions(model, tokenizer, context)
    reading = functions if reader is None else _Functions(reader, tokenizer, context)

    def graph(function: Callable[..., Any], *specifications: Any) -> Any:
        return tf.function(function, input_signature=list(specifications), jit_compile=False, autograph=False)

    states = functions.state_specifications()
    length = tf.TensorSpec([], tf.int32, name="max_tokens")
    position = tf.TensorSpec([None], tf.int32, name="position")
    scores = tf.TensorSpec([None, model.decoder.vocabulary_size], tf.float32, name="log_probabilities")
    ids = [tf.TensorSpec([None, None], tf.int32, name=name) for name in ("ids", "targets")]
    signatures = {
        "serving_default": graph(functions.generate, TEXT, *SETTINGS, length, SEED),
        "start": graph(functions.start, TEXT),
        "step": graph(functions.step, scores, *SETTINGS, SEED, position, *states),
        "score": graph(reading.score, TEXT),
        "activations": graph(functions.activations, TEXT),
    }
    if model.reads_on:
        reset = tf.TensorSpec([None, None], tf.bool, name="reset")
        signatures["begin"] = graph(reading.begin, tf.TensorSpec([], tf.int32, name="rows"))
        signatures["read"] = graph(reading.read_on, *ids, reset, *reading.state_specifications())
    else:
        signatures["read"] = graph(functions.read, *ids)
    return signatures


class _Functions:
    """What the signatures compute."""

    def __init__(self, model: LanguageModel, tokenizer: Any, context: int) -> None:
        self.model = model
        self.decoder = model.decoder
        self.tokenizer = tokenizer
        self.context = context
        vocabulary = tokenizer.vocabulary
        # What an empty text begins after: a new document or, as in a text that goes on, a new line.
        self.first = next((vocabulary.index(token) for token in (DOCUMENT_MARK, "\n", " ") if token in vocabulary), 2)
        self.end = vocabulary.index(DOCUMENT_MARK) if DOCUMENT_MARK in vocabulary else None
        self.forbid = ForbiddenTokens([PADDING, UNKNOWN])
        self.structure = self._initial(tf.constant(1))

    def _initial(self, batch_size: tf.Tensor) -> Any:
        if self.model.reads_on:
            return self.model.get_initial_state(batch_size)
        return self.decoder.start(batch_size=batch_size, max_length=self.context)

    def state_specifications(self) -> list[tf.TensorSpec]:
        """The tensors of a state, `state_0` and so on."""
        tensors = self._leaves(self.structure)
        return [
            tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype, name=f"state_{number}")
            for number, tensor in enumerate(tensors)
        ]

    def _leaves(self, state: Any) -> list[tf.Tensor]:
        return [leaf for leaf in keras.tree.flatten(state) if leaf is not None]

    def _named(self, state: Any) -> dict[str, tf.Tensor]:
        return {f"state_{number}": leaf for number, leaf in enumerate(self._leaves(state))}

    def _packed(self, leaves: Sequence[tf.Tensor]) -> Any:
        remaining = iter(leaves)
        flat = [None if leaf is None else next(remaining) for leaf in keras.tree.flatten(self.structure)]
        return keras.tree.pack_sequence_as(self.structure, flat)

    def encode(self, text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Ids [batch, time] and lengths [batch] of prompts; each has one token at least."""
        ids = self.tokenizer.encode(text)
        if not self.model.reads_on:
            ids = ids[:, -(self.context // 2) :]
        empty = tf.cast(tf.equal(ids.row_lengths(), 0), tf.int64)
        first = tf.RaggedTensor.from_row_lengths(tf.fill([tf.reduce_sum(empty)], self.first), empty)
        ids = tf.concat([first, ids], axis=1)
        dense = ids.to_tensor()
        dense = tf.pad(dense, [[0, 0], [0, tf.maximum(1 - tf.shape(dense)[1], 0)]])  # no loop runs over no steps
        return dense, tf.cast(ids.row_lengths(), tf.int32)

    def _read(self, ids: tf.Tensor, lengths: tf.Tensor) -> Any:
        """The state after the first tokens, as many as `lengths` says, of each row."""
        if self.model.reads_on:
            # A loop needs a step; a step that is masked changes nothing.
            _, state = self.model.features(ids, mask=tf.range(tf.shape(ids)[1]) < lengths[:, None])
            return state
        return self.decoder.prefill(ids, self._initial(tf.shape(ids)[0]), lengths)

    def _stepping(self, state: Any, batch_size: tf.Tensor) -> Any:
        return self.model.stepping_state(state, batch_size) if self.model.reads_on else state

    def _states_of(self, stepped: Any) -> Any:
        return self.model.state_of(stepped) if self.model.reads_on else stepped

    def generate(
        self,
        text: tf.Tensor,
        temperature: tf.Tensor,
        top_k: tf.Tensor,
        top_p: tf.Tensor,
        max_tokens: tf.Tensor,
        seed: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Prompts to texts: `text` is the prompt and what follows, `continuation` what follows alone."""
        ids, lengths = self.encode(text)
        state = self._read(ids, lengths - 1)
        batch_size = tf.shape(ids)[0]
        last = tf.gather(ids, lengths - 1, batch_dims=1)
        length = tf.maximum(max_tokens, 1)
        if not self.model.reads_on:
            length = tf.minimum(length, self.context - tf.reduce_max(tf.concat([[1], lengths], axis=0)))
        decoded = decode(
            self.model.stepper(),
            self._stepping(state, batch_size),
            last,
            self.end,
            length,
            AdjustableSampling(temperature, top_k, top_p),
            [self.forbid],
            seed,
            keep_alignments=False,
        )
        written = tf.reshape(decoded.ids, [batch_size, -1])
        written = tf.where(max_tokens > 0, written, tf.zeros_like(written))
        if self.end is not None:
            written = tf.where(tf.equal(written, self.end), PADDING, written)
        continuation = self.tokenizer.decode(written)
        return {"text": tf.strings.join([text, continuation]), "continuation": continuation}

    def _next(self, logits: tf.Tensor, state: Any) -> dict[str, tf.Tensor]:
        """What is known before the next token: all log-probabilities, and the most probable tokens by name."""
        scores = tf.nn.log_softmax(tf.cast(logits, tf.float32))
        values, ids = tf.math.top_k(tf.nn.softmax(scores), min(CANDIDATES, scores.shape[-1]))
        result = {
            "log_probabilities": scores,
            "candidates": self.tokenizer.texts_of(ids),
            "candidate_probabilities": values,
        }
        if not self.model.reads_on:
            result["room"] = self.context - state["length"]
        return {**result, **self._named(state)}

    def _advance(self, token: tf.Tensor, state: Any) -> dict[str, tf.Tensor]:
        logits, stepped, _ = self.model.stepper()(token, self._stepping(state, tf.shape(token)[0]))
        return self._next(logits, self._states_of(stepped))

    def start(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """The state after prompts, for `step`."""
        ids, lengths = self.encode(text)
        state = self._read(ids, lengths - 1)
        return self._advance(tf.gather(ids, lengths - 1, batch_dims=1), state)

    def step(
        self,
        log_probabilities: tf.Tensor,
        temperature: tf.Tensor,
        top_k: tf.Tensor,
        top_p: tf.Tensor,
        seed: tf.Tensor,
        position: tf.Tensor,
        *state: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """One token drawn, and what is known before the next one.

        With the same seed and position it is the token that `serving_default` draws there.
        """
        batch_size = tf.shape(log_probabilities)[0]
        everything = Position(tf.constant(0), None, self.end, tf.constant(1))
        logits = self.forbid(log_probabilities[:, None, :], everything)
        noise = uniforms(seed, batch_size, 1, 1, first=position)[0]
        token = AdjustableSampling(temperature, top_k, top_p).draw(logits, noise)[:, 0]
        ended = tf.zeros_like(token, tf.bool) if self.end is None else tf.equal(token, self.end)
        following = self._advance(token, self._packed(state))
        text = self.tokenizer.texts_of(token)
        chosen = tf.gather(log_probabilities, token, batch_dims=1)
        return {**following, "id": token, "text": text, "ended": ended, "chosen_log_probability": chosen}

    def begin(self, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        """The state of so many texts before their first token, for `read`."""
        return self._named(self._initial(rows))

    def read_on(self, ids: tf.Tensor, targets: tf.Tensor, reset: tf.Tensor, *state: tf.Tensor) -> dict[str, tf.Tensor]:
        """The log-probability of the target at each step, reading on from a state; without the cache as well."""
        if not isinstance(self.model, CachedLanguageModel):
            logits, after = self.model(ids, initial_state=self._packed(state), reset=reset)
            return {"log_probabilities": _chosen(logits, targets), **self._named(after)}
        scores, logits, after = self.model.both(ids, initial_state=self._packed(state), reset=reset)
        found = {"log_probabilities": scores, "uncached_log_probabilities": logits}
        return {**{name: _chosen(one, targets) for name, one in found.items()}, **self._named(after)}

    def read(self, ids: tf.Tensor, targets: tf.Tensor) -> dict[str, tf.Tensor]:
        """The log-probability of the target at each step of windows."""
        logits, _ = self.model(ids)
        return {"log_probabilities": _chosen(logits, targets)}

    def score(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """How probable each token of a text is after those before it, and which would have been the most probable."""
        ids = self.tokenizer.encode(text).to_tensor()
        batch_size, time = tf.shape(ids)[0], tf.shape(ids)[1]
        inputs = tf.concat([tf.fill([batch_size, 1], self.first), ids], axis=1)[:, :-1]
        window = SCORE_WINDOW if self.model.reads_on else min(SCORE_WINDOW, self.context)
        windows = tf.maximum((time + window - 1) // window, 1)
        padding = [[0, 0], [0, windows * window - time]]
        inputs, targets = tf.pad(inputs, padding), tf.pad(ids, padding)
        initial = self._leaves(self.model.get_initial_state(batch_size))
        arrays = [tf.TensorArray(dtype, windows) for dtype in (tf.float32, tf.int32)]

        def body(number: tf.Tensor, state: list, found: list) -> tuple[tf.Tensor, list, list]:
            part = slice(number * window, (number + 1) * window)
            packed = self._packed(state) if self.model.reads_on else []
            logits, after = self.model(tf.ensure_shape(inputs[:, part], [None, window]), initial_state=packed)
            best = tf.cast(tf.argmax(logits, axis=-1), tf.int32)
            values = (_chosen(logits, targets[:, part]), best)
            found = [array.write(number, tf.transpose(value)) for array, value in zip(found, values, strict=True)]
            return number + 1, self._leaves(after), found

        _, _, arrays = tf.while_loop(lambda number, *_: number < windows, body, [tf.constant(0), initial, arrays])
        scores, best = (tf.transpose(tf.reshape(array.stack(), [windows * window, -1]))[:, :time] for array in arrays)
        scores, best = tf.reshape(scores, [batch_size, time]), tf.reshape(best, [batch_size, time])
        there = tf.not_equal(ids, PADDING)
        return {
            "tokens": self.tokenizer.tokenize(text).to_tensor(shape=[None, None]),
            "log_probabilities": tf.where(there, scores, 0.0),
            "expected": tf.where(there, self.tokenizer.texts_of(best), tf.constant(b"")),
        }

    def activations(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """The outputs of the top layer after each token of a text, [batch, time, units]."""
        ids, lengths = self.encode(text)
        features, _ = self.model.features(ids, mask=tf.sequence_mask(lengths, tf.shape(ids)[1]))
        return {"tokens": self.tokenizer.tokenize(text).to_tensor(shape=[None, None]), "activations": features}


def _chosen(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """The log-probabilities of targets [batch, time]."""
    return -tf.nn.sparse_softmax_cross_entropy_with_logits(targets, tf.cast(logits, tf.float32))
