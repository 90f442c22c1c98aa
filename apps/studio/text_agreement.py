"""Two translators, or two language models, on the same texts: figures, and the table with what differs most on top."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import pandas as pd

REFERENCE_NAMES = ("reference", "translation", "target", "gold")
# Languages without spaces are divided into characters; sacreBLEU has a rule of its own for Chinese.
TOKENIZERS = {"zh": "zh", "cmn": "zh", "ja": "char", "jpn": "char", "th": "char"}


@dataclass(frozen=True)
class Quality:
    """What sacreBLEU says of translations.

    Attributes:
        bleu: Of all of them (Papineni et al. 2002), from 0 to 100.
        chrf: The same with chrF (Popovic 2015).
        each: chrF of each one.
    """

    bleu: float
    chrf: float
    each: list[float]


def likely_reference_column(columns: Sequence[str]) -> str | None:
    """The column that by its name holds the references."""
    return next((column for column in columns if column.strip().lower() in REFERENCE_NAMES), None)


def quality(translations: Sequence[str], references: Sequence[str], language: str) -> Quality:
    """BLEU and chrF of translations, as `keras-seq evaluate` has them.

    Args:
        translations: What a model wrote.
        references: What a person wrote.
        language: Of both; "" if that is not known.
    """
    from sacrebleu.metrics import BLEU, CHRF

    bleu = BLEU(tokenize=TOKENIZERS.get(language.split("-")[0].lower(), "13a"))
    chrf = CHRF()
    return Quality(
        float(bleu.corpus_score(list(translations), [list(references)]).score),
        float(chrf.corpus_score(list(translations), [list(references)]).score),
        [float(chrf.sentence_score(*pair).score) for pair in zip(translations, [[r] for r in references], strict=True)],
    )


def differing_first(
    table: pd.DataFrame,
    names: Sequence[str],
    outputs: tuple[Sequence[str], Sequence[str]],
    qualities: Sequence[Quality] = (),
) -> pd.DataFrame:
    """The table with two translations of each text, those that differ most first.

    Args:
        table: What was translated.
        names: The names of the models.
        outputs: The translations of each.
        qualities: Those of each, if there are references.
    """
    same = [first == second for first, second in zip(*outputs, strict=True)]
    columns: dict[str, Sequence] = dict(zip(names, outputs, strict=True))
    columns["agree"] = ["yes" if equal else "no" for equal in same]
    for name, found in zip(names, qualities, strict=bool(qualities)):
        columns[f"{name} chrF"] = [round(score, 1) for score in found.each]
    likeness = [SequenceMatcher(None, *pair, autojunk=False).ratio() for pair in zip(*outputs, strict=True)]
    return _ordered(table, columns, sorted(range(len(likeness)), key=lambda row: (likeness[row], row)))


def surprises_first(
    table: pd.DataFrame, names: Sequence[str], nats: tuple[Sequence[float], Sequence[float]], problems: Sequence[str]
) -> pd.DataFrame:
    """The table with what each character of a text costs two language models, the greatest differences first.

    Args:
        table: What was read.
        names: The names of the models.
        nats: Nats per character of each text for each model; not a number where a text has none.
        problems: What is to be said of each text.
    """
    columns: dict[str, Sequence] = {
        f"{name} nats per character": [round(value, 4) for value in values]
        for name, values in zip(names, nats, strict=True)
    }
    difference = [first - second for first, second in zip(*nats, strict=True)]
    columns["difference"] = [round(value, 4) for value in difference]
    if any(problems):
        columns["problem"] = problems
    # A text with no figure comes last: nothing equals what is not a number.
    order = sorted(
        range(len(table)), key=lambda row: -abs(difference[row]) if difference[row] == difference[row] else 1
    )
    return _ordered(table, columns, order)


def _ordered(table: pd.DataFrame, columns: dict[str, Sequence], order: Sequence[int]) -> pd.DataFrame:
    """The table with more columns, under names that are still free, its rows in an order."""
    joined = table.reset_index(drop=True).copy()
    for name, values in columns.items():
        while name in joined.columns:
            name += "'"
        joined[name] = list(values)
    return joined.iloc[list(order)].reset_index(drop=True)
