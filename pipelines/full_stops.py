"""Training sentences without their full stop: so people type, and a model that has never seen it guesses."""

from collections.abc import Sequence

import numpy as np

from pipelines.pair_encoding import EncodedSide, Sides, side_of

# Of Latin, Chinese (two widths), Japanese, Hindi and Urdu.
FULL_STOPS = (".", "。", "\uff0e", "\uff61", "।", "\u06d4")


def without_full_stops(
    sides: Sides, vocabularies: tuple[Sequence[str], Sequence[str]], share: float, random: np.random.Generator
) -> Sides:
    """The pairs, some of which have lost the full stops at the ends of both sentences.

    Only pairs that end so on both sides are touched, and in which something else is left: a question stays one.

    Args:
        sides: Both sides, each sentence with its end mark.
        vocabularies: The token of each id, of both sides.
        share: The probability that such a pair loses them.
        random: Decides which.
    """
    drawn = random.random(len(sides[0])) < share
    for side, vocabulary in zip(sides, vocabularies, strict=True):
        drawn &= _ends_with_one(side, vocabulary)
    source, target = (_without_last(side, drawn) for side in sides)
    return source, target


def _ends_with_one(side: EncodedSide, vocabulary: Sequence[str]) -> np.ndarray:
    """bool [sentences]: which have a full stop before the end mark, and at least one token before it."""
    stops = [number for number, token in enumerate(vocabulary) if token.strip(" ") in FULL_STOPS]
    long_enough = side.lengths >= 3
    last = side.ids[np.where(long_enough, side.offsets[1:] - 2, 0)]
    return long_enough & np.isin(last, stops)


def _without_last(side: EncodedSide, rows: np.ndarray) -> EncodedSide:
    """The sentences, of which those that `rows` marks have lost the token before the end mark."""
    kept = np.ones(len(side.ids), bool)
    kept[side.offsets[1:][rows] - 2] = False
    return side_of(side.ids[kept], side.lengths - rows)
