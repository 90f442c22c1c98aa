"""Oracles for decoding: a small decoder in NumPy, all sequences that it can produce, and beam search with lists."""

import itertools
from typing import NamedTuple

import numpy as np
from keras import ops

UNITS = 3
MEMORY_TIME = 4


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(logits):
    return np.exp(log_softmax(logits))


class Decoder:
    """A decoder with random weights whose logits depend on all tokens so far and on a memory of each row.

    `start` and `step` are what `decode` takes, on any backend; `following` says the same in NumPy.
    """

    def __init__(self, vocabulary=4, batch=2, seed=0, memory_lengths=None, scale=2.0):
        rng = np.random.default_rng(seed)
        self.vocabulary, self.batch = vocabulary, batch
        self.of_token = rng.normal(size=(vocabulary, UNITS)) * scale
        self.recurrent = rng.normal(size=(UNITS, UNITS)) * scale
        self.out = rng.normal(size=(UNITS, vocabulary)) * scale
        self.memory = rng.normal(size=(batch, MEMORY_TIME, UNITS)) * scale
        lengths = [MEMORY_TIME] * batch if memory_lengths is None else memory_lengths
        self.memory_mask = np.arange(MEMORY_TIME) < np.array(lengths)[:, None]

    def start(self, rows=slice(None)):
        return {
            "h": np.zeros((len(self.memory[rows]), UNITS), "float32"),
            "memory": (self.memory[rows].astype("float32"), self.memory_mask[rows]),
            "nothing": None,
        }

    def step(self, tokens, state):
        of_token, recurrent, out = (ops.cast(w, "float32") for w in (self.of_token, self.recurrent, self.out))
        h = ops.tanh(ops.take(of_token, tokens, axis=0) + ops.matmul(state["h"], recurrent))
        memory, mask = state["memory"]
        energies = ops.sum(memory * ops.expand_dims(h, 1), axis=-1)
        alignment = ops.softmax(ops.where(mask, energies, -1e9), axis=-1)
        context = ops.sum(memory * ops.expand_dims(alignment, -1), axis=1)
        return ops.matmul(h + context, out), {"h": h, "memory": state["memory"], "nothing": None}, alignment

    def following(self, row, tokens, start=1):
        """Logits of the token after `tokens`, and the alignments of all steps until then."""
        h, alignments = np.zeros(UNITS), []
        memory = self.memory[row][self.memory_mask[row]]
        for token in (start, *tokens):
            h = np.tanh(self.of_token[token] + h @ self.recurrent)
            alignment = softmax(memory @ h)
            alignments.append(np.append(alignment, np.zeros(MEMORY_TIME - len(memory))))
        return (h + alignment @ memory) @ self.out, np.array(alignments)


class Hypothesis(NamedTuple):
    tokens: tuple
    log_probability: float
    score: float
    finished: bool


class Search:
    """Scores of sequences, from the equations.

    Args:
        decoder: The `Decoder`.
        row: Row of its memory.
        end: The end token.
        max_length: Largest number of tokens.
        divisor: The length penalty, a function of the length.
        coverage: The factor of the coverage penalty.
        allowed: Function of a prefix and a token: whether the token may follow.
    """

    def __init__(self, decoder, row, end, max_length, divisor=None, coverage=0.0, allowed=None):
        self.decoder, self.row, self.end, self.max_length = decoder, row, end, max_length
        self.divisor = divisor or (lambda length: 1.0)
        self.coverage = coverage
        self.allowed = allowed or (lambda prefix, token: True)

    def score(self, tokens, log_probability):
        score = log_probability / self.divisor(len(tokens))
        if self.coverage:
            _, alignments = self.decoder.following(self.row, tokens[:-1])
            sums = alignments.sum(axis=0)[self.decoder.memory_mask[self.row]]
            score += self.coverage * np.log(np.minimum(sums, 1)).sum()
        return score

    def continuations(self, hypothesis):
        if hypothesis.finished:
            return [hypothesis]
        log_probabilities = log_softmax(self.decoder.following(self.row, hypothesis.tokens)[0])
        found = []
        for token in range(self.decoder.vocabulary):
            if self.allowed(hypothesis.tokens, token):
                tokens = (*hypothesis.tokens, token)
                total = hypothesis.log_probability + log_probabilities[token]
                found.append(Hypothesis(tokens, total, self.score(tokens, total), token == self.end))
        return found

    def all_sequences(self):
        """Every sequence, the best first: those with the end token, and those of the full length without."""
        found = [Hypothesis((), 0.0, 0.0, False)]
        for _ in range(self.max_length):
            found = list(itertools.chain.from_iterable(self.continuations(one) for one in found))
        return sorted(found, key=lambda one: -one.score)

    def beam_search(self, width, groups=1, diversity=0.0):
        """The beams after each step; a group chooses after the groups before it."""
        beams = [[Hypothesis((), 0.0, 0.0, False)] for _ in range(groups)]
        steps = []
        for _ in range(self.max_length):
            used = np.zeros(self.decoder.vocabulary)
            for group in range(groups):
                candidates = list(itertools.chain.from_iterable(self.continuations(one) for one in beams[group]))
                grown = {one.tokens for one in candidates} - {one.tokens for one in beams[group] if one.finished}

                def rank(one, grown=grown, used=used):
                    return -(one.score - diversity * (used[one.tokens[-1]] if one.tokens in grown else 0))

                beams[group] = sorted(candidates, key=rank)[: width // groups]
                used = used + sum(
                    np.eye(self.decoder.vocabulary)[one.tokens[-1]] for one in beams[group] if one.tokens in grown
                )
            steps.append([one for group in beams for one in group])
        return steps


def wu(alpha):
    return lambda length: ((5 + length) / 6) ** alpha


def sequences_of(decoded, row):
    """The sequences of a row as tuples, without padding; what has no score is left out."""
    ids, lengths, scores = (np.array(ops.convert_to_numpy(item))[row] for item in decoded[:3])
    return [tuple(line[:length]) for line, length, score in zip(ids, lengths, scores, strict=True) if score > -np.inf]
