"""Cutting over-long texts, the same way in training and in a served model."""

import tensorflow as tf


def cut(tokens: tf.RaggedTensor, max_length: int | None, over_long: str, head_share: float = 0.25) -> tf.RaggedTensor:
    """Shortens rows to at most `max_length` tokens.

    Args:
        tokens: Ragged [batch, tokens], of any type.
        max_length: The longest row that is kept whole; None for no limit.
        over_long: "head" keeps the start, "tail" the end, "head_tail" both. "refuse" refuses in training; a text that
            comes later cannot be refused any more and is cut as "head" does.
        head_share: With "head_tail", the share of `max_length` for the start.

    Returns:
        Ragged [batch, tokens], tokens in their order.
    """
    if max_length is None:
        return tokens
    head = head_length(max_length, over_long, head_share)
    positions = tf.ragged.range(tokens.row_lengths())
    lengths = tf.gather(tokens.row_lengths(), positions.value_rowids())
    places = positions.flat_values
    kept = (places < head) | (places >= lengths - (max_length - head)) | (lengths <= max_length)
    return tf.ragged.boolean_mask(tokens, positions.with_flat_values(kept))


def head_length(max_length: int, over_long: str, head_share: float) -> int:
    """How many of `max_length` tokens come from the start of an over-long text."""
    if over_long == "tail":
        return 0
    return round(max_length * head_share) if over_long == "head_tail" else max_length
