"""Reading parallel text: which pairs there are, what is wrong with the others, and which split each belongs to."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipelines.errors import DataError
from pipelines.parallel_config import ParallelConfig
from pipelines.progress import counted
from pipelines.sources.pairs import EMPTY_SOURCE, EMPTY_TARGET, Pair, Pairs
from pipelines.sources.records import BadRow
from pipelines.survey import encode_text

UNUSED, TRAIN, VALIDATION, TEST = -1, 0, 1, 2
_EXAMPLES = 10


@dataclass
class PairSurvey:
    """The pairs of a file (or published split), in memory.

    Attributes:
        pairs: Those that can be used, in their order.
        empty_sources: How many have no sentence to translate.
        empty_targets: How many have no translation.
        bad_rows: How many could not be used for another reason.
        bad_examples: The first of all these, "file:line: reason".
        digest: SHA-256 of all usable pairs in their order.
    """

    pairs: list[Pair] = field(default_factory=list)
    empty_sources: int = 0
    empty_targets: int = 0
    bad_rows: int = 0
    bad_examples: list[str] = field(default_factory=list)
    digest: str = ""

    @property
    def rows(self) -> int:
        """All rows, usable or not."""
        return len(self.pairs) + self.empty_sources + self.empty_targets + self.bad_rows


def survey_pairs(rows: Pairs, name: str, config: ParallelConfig) -> PairSurvey:
    """Reads all pairs.

    Args:
        rows: The pairs.
        name: For the messages.
        config: What to do with bad rows.

    Raises:
        DataError: There are no usable pairs, more bad ones than good ones, or one bad one with `bad_rows: error`.
    """
    survey = PairSurvey()
    digest = hashlib.sha256()
    reasons: Counter[str] = Counter()
    for row in counted(rows, f"reading {name}", "pairs"):
        if isinstance(row, BadRow):
            if config.bad_rows == "error":
                raise DataError(
                    f"{row.place}: {row.reason}; correct it, or pass over such rows with --data.bad_rows skip"
                )
            reasons[row.reason] += 1
            if reasons.total() <= _EXAMPLES:
                survey.bad_examples.append(f"{row.place}: {row.reason}")
            continue
        source, target = encode_text(row.source), encode_text(row.target)
        digest.update(b"%d %d " % (len(source), len(target)) + source + target)
        survey.pairs.append(row)
    survey.empty_sources, survey.empty_targets = reasons[EMPTY_SOURCE], reasons[EMPTY_TARGET]
    survey.bad_rows = reasons.total() - survey.empty_sources - survey.empty_targets
    survey.digest = digest.hexdigest()
    if not survey.pairs:
        reason = f"; the first problem is {survey.bad_examples[0]}" if survey.bad_examples else ": it is empty"
        raise DataError(f"{name} has no usable pair{reason}")
    if survey.rows > 2 * len(survey.pairs):
        raise DataError(
            f"{survey.rows - len(survey.pairs)} of {survey.rows} rows of {name} cannot be used: check encoding and "
            f"columns; the first problem is {survey.bad_examples[0]}"
        )
    return survey


def sentence_keys(sentences: Sequence[str], seed: int) -> np.ndarray:
    """uint64 [sentences]: random numbers that equal sentences share, whatever their case and spaces."""
    salt = str(seed).encode()[:64]
    keys = (
        hashlib.blake2b(encode_text(" ".join(sentence.lower().split())), digest_size=8, key=salt).digest()
        for sentence in sentences
    )
    return np.frombuffer(b"".join(keys), np.uint64)


def split_pairs(keys: np.ndarray, chosen: np.ndarray, validation: float, test: float) -> np.ndarray:
    """int8 [pairs]: TRAIN, VALIDATION, TEST or UNUSED for each pair.

    Pairs of equal keys stay together, and which go where depends on the keys alone, not on the order of the pairs.

    Args:
        keys: What `sentence_keys` gave for the side that decides.
        chosen: bool [pairs], which pairs are used at all.
        validation: Share of the distinct sentences for validation.
        test: Share of them for the test.
    """
    split = np.where(chosen, TRAIN, UNUSED).astype(np.int8)
    groups = np.unique(keys[chosen])  # rising keys: a random order of the sentences
    start = 0
    for number, fraction in ((VALIDATION, validation), (TEST, test)):
        share = round(fraction * len(groups))
        if fraction > 0 and len(groups) >= 3:
            share = max(share, 1)
        split[chosen & np.isin(keys, groups[start : start + share])] = number
        start += share
    return split
