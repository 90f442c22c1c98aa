"""What is reported about parallel text: what was read, what it is like, what was left out."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.pair_encoding import Sides, unknown_share
from pipelines.pair_survey import PairSurvey, sentence_keys
from pipelines.sources.pairs import Pair
from pipelines.text.language_pair import LanguagePair

_MUCH_UNKNOWN = 0.2


def report_rows(surveys: Mapping[str, PairSurvey], pairs: Mapping[str, Sequence[Pair]], seed: int) -> dict[str, Any]:
    """What was read, by file; which sentences of validation and test are among those of training."""
    digests = {name: survey.digest for name, survey in surveys.items()}
    report: dict[str, Any] = {
        "rows": {name: survey.rows for name, survey in surveys.items()},
        "empty_sources": sum(survey.empty_sources for survey in surveys.values()),
        "empty_targets": sum(survey.empty_targets for survey in surveys.values()),
        "bad_rows": sum(survey.bad_rows for survey in surveys.values()),
        "bad_row_examples": [example for survey in surveys.values() for example in survey.bad_examples],
        "digests": digests,
        "digest": hashlib.sha256("".join(digests.values()).encode()).hexdigest(),
    }
    for side in ("source", "target"):
        keys = {name: sentence_keys([getattr(pair, side) for pair in some], seed) for name, some in pairs.items()}
        if "train" in keys:
            for name in ("validation", "test"):
                if name in keys:
                    report[f"{name}_{side}s_in_train"] = int(np.isin(keys[name], keys["train"]).sum())
    return report


def report_sentences(splits: Mapping[str, Sides], tokenizer: LanguagePair) -> dict[str, Any]:
    """Sizes, and how much of each side of each split is not in the vocabulary."""
    report: dict[str, Any] = {"vocabulary_size": {}, "tokens": {}, "longest": {}, "unknown_share": {}, "warnings": []}
    for number, side in enumerate(("source", "target")):
        report["vocabulary_size"][side] = len(getattr(tokenizer, side).vocabulary)
        for name, sides in splits.items():
            encoded = sides[number]
            share = unknown_share(encoded, getattr(tokenizer, side))
            report["tokens"].setdefault(name, {})[side] = len(encoded.ids)
            report["longest"].setdefault(name, {})[side] = int(encoded.lengths.max())
            report["unknown_share"].setdefault(name, {})[side] = round(share, 4)
            if share > _MUCH_UNKNOWN:
                report["warnings"].append(
                    f"{share:.0%} of the tokens of the {side}s of the {name} pairs are not in the vocabulary: is this "
                    "the right language?"
                )
    return report


def notes(report: dict[str, Any]) -> Iterator[str]:
    """What people should know of the pairs that are not used."""
    empty = report["empty_sources"] + report["empty_targets"]
    if empty:
        yield f"{empty:,} pairs with an empty side were dropped"
    left_out = report.get("left_out", {})
    if any(left_out.values()):
        yield (
            f"{sum(left_out.values()):,} training pairs were left out: {left_out['too_long']:,} longer than "
            f"--text.max_length, {left_out['unlike_lengths']:,} whose lengths differ more than --text.max_ratio"
        )
    for name in ("validation", "test"):
        if repeated := report.get(f"{name}_sources_in_train", 0):
            yield f"{repeated:,} sentences of the {name} pairs are among the training sentences"
