"""Measuring translators: BLEU, chrF, and the probability of the references."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from apps.errors import UserError
from apps.task import Signatures
from apps.translation_tokens import paper_tokens
from keras_seq.decoding import ForbiddenTokens
from keras_seq.models import EncoderDecoder
from pipelines.progress import counted

BATCH = 64
SHOWN = 5
# By tokens of the source between spaces: how translations get worse with their length.
LENGTHS = (5, 10, 15, 20, 25, 30, 40, 60)
# Languages without spaces are divided into characters; sacreBLEU has a rule of its own for Chinese.
_TOKENIZERS = {"zh": "zh", "cmn": "zh", "ja": "char", "jpn": "char", "th": "char"}


@dataclass(frozen=True)
class MeasuredPairs:
    """Pairs of sentences, for `measure`.

    Attributes:
        pairs: `pipelines.sources.pairs.Pair`s.
        target_language: What the language of the translations is called; "" if that is not known.
    """

    pairs: Sequence[Any]
    target_language: str


def measure(call: Signatures, records: MeasuredPairs) -> dict[str, Any]:
    """The figures of a served translator.

    Args:
        call: `call(signature, **inputs)`; `serving_default` and `score` are asked.
        records: The pairs.

    Returns:
        `bleu` and `chrf` of sacreBLEU, cased, with their signatures; `bleu_lowercase`, the same without case;
        `bleu_tokenized`, of lower-cased text in the tokens of Moses, which is what papers on Multi30k report (not of
        languages without spaces); `perplexity` and `accuracy` of the tokens of the
        references, each given those before it; `by_length`, BLEU of short and of long sentences; some `examples`.
    """
    pairs = records.pairs
    order = sorted(range(len(pairs)), key=lambda number: len(pairs[number].source))
    translations: list[str] = [""] * len(pairs)
    total, tokens, right = 0.0, 0, 0
    starts = range(0, len(order), BATCH)
    for start in counted(starts, "measuring", "pairs", size=lambda at: len(order[at : at + BATCH]), total=len(order)):
        rows = order[start : start + BATCH]
        texts = [pairs[row].source for row in rows]
        outputs = call("serving_default", text=texts)
        for row, translation in zip(rows, outputs["translation"].tolist(), strict=True):
            translations[row] = translation.decode("utf-8", "replace")
        scored = call("score", text=texts, translation=[pairs[row].target for row in rows])
        there = scored["tokens"] != b""
        total -= float(scored["log_probability"].astype(np.float64).sum())
        tokens += int(there.sum())
        right += int((there & (scored["tokens"] == scored["expected"])).sum())
    nats = total / max(tokens, 1)
    references = [pair.target for pair in pairs]
    return {
        **corpus_figures(translations, references, records.target_language),
        "perplexity": math.exp(min(nats, 700.0)),
        "nats_per_token": nats,
        "accuracy": right / max(tokens, 1),
        "pairs": len(pairs),
        "by_length": list(_by_length(pairs, translations, records.target_language)),
        "examples": [
            {"source": pairs[row].source, "reference": pairs[row].target, "translation": translations[row]}
            for row in range(min(SHOWN, len(pairs)))
        ],
    }


def corpus_figures(translations: Sequence[str], references: Sequence[str], language: str) -> dict[str, Any]:
    """BLEU and chrF of a corpus, from 0 to 100, with the signatures by which sacreBLEU names them; see `measure`."""
    metrics = _sacrebleu()
    tokenizer = _TOKENIZERS.get(language.split("-")[0].lower(), "13a")
    measured = {
        "bleu": metrics.BLEU(tokenize=tokenizer),
        "bleu_lowercase": metrics.BLEU(tokenize=tokenizer, lowercase=True),
        "chrf": metrics.CHRF(),
    }
    figures: dict[str, Any] = {}
    for name, metric in measured.items():
        figures[name] = float(metric.corpus_score(list(translations), [list(references)]).score)
        figures[f"{name}_signature"] = str(metric.get_signature())
    if tokenizer == "13a":
        sides = ([paper_tokens(text, language) for text in side] for side in (translations, references))
        figures["bleu_tokenized"] = tokenized_bleu(*sides)
    return figures


def corpus_bleu(translations: Sequence[str], references: Sequence[str], language: str) -> float:
    """BLEU of a corpus, cased, from 0 to 100."""
    metric = _sacrebleu().BLEU(tokenize=_TOKENIZERS.get(language.split("-")[0].lower(), "13a"))
    return float(metric.corpus_score(list(translations), [list(references)]).score)


def tokenized_bleu(translations: Sequence[str], references: Sequence[str]) -> float:
    """BLEU of texts that are tokenised already: what stands between spaces is compared."""
    metric = _sacrebleu().BLEU(tokenize="none", force=True)
    return float(metric.corpus_score(list(translations), [list(references)]).score)


def _by_length(pairs: Sequence[Any], translations: Sequence[str], language: str) -> Iterator[dict[str, Any]]:
    lengths = np.array([len(pair.source.split()) for pair in pairs])
    for low, high in zip((0, *LENGTHS), (*LENGTHS, None), strict=True):
        rows = np.flatnonzero((lengths > low) & (lengths <= (high or np.inf))).tolist()
        if rows:
            bleu = corpus_bleu([translations[row] for row in rows], [pairs[row].target for row in rows], language)
            yield {"from": low + 1, "to": high, "pairs": len(rows), "bleu": bleu}


def _sacrebleu() -> Any:
    try:
        import sacrebleu.metrics
    except ImportError as error:
        raise UserError(f"BLEU needs sacrebleu ({error}): pip install sacrebleu") from error
    return sacrebleu.metrics


class ValidationBleu:
    """BLEU of greedy translations of validation pairs, with the weights that the model has when it is called.

    Args:
        model: The model in training.
        data: `pipelines.translation.TranslationData`.
        count: How many pairs, evenly from the first to the last: files are often in the order of their lengths.
        max_length: Tokens of a translation at most.
    """

    def __init__(self, model: EncoderDecoder, data: Any, count: int, max_length: int) -> None:
        pairs, sources = data.records("validation"), data.encoded("validation")[0]
        chosen = np.unique(np.linspace(0, len(pairs) - 1, min(count, len(pairs))).round().astype(int))
        order = chosen[np.argsort(np.asarray(sources.lengths)[chosen], kind="stable")]
        self._references = [pairs[row].target for row in order]
        self._language = data.languages[1]
        self._tokenizer = data.tokenizer.target
        self._batches = []
        for start in range(0, len(order), BATCH):
            rows = [
                sources.ids[sources.offsets[row] : sources.offsets[row + 1]] for row in order[start : start + BATCH]
            ]
            self._batches.append(tf.ragged.constant(rows, tf.int32, ragged_rank=1).to_tensor())

        @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)], autograph=False, jit_compile=False)
        def translate(source: tf.Tensor) -> tf.Tensor:
            most = tf.minimum(max_length, 2 * tf.shape(source)[1] + 10)
            decoded = model.decode(source, None, most, [ForbiddenTokens([0, 1, 2])], keep_alignments=False)
            return self._tokenizer.decode(decoded.ids[:, 0])

        self._translate = translate

    def __call__(self) -> dict[str, float]:
        """The figure `bleu`."""
        translations = [
            text.decode("utf-8", "replace") for batch in self._batches for text in self._translate(batch).numpy()
        ]
        return {"bleu": corpus_bleu(translations, self._references, self._language)}


def show_figures(figures: dict[str, Any]) -> Iterable[Any]:
    """The figures for people."""
    from apps.console import table

    rows = [
        ["BLEU", figures["bleu"], figures["bleu_signature"]],
        ["BLEU, lower case", figures["bleu_lowercase"], figures["bleu_lowercase_signature"]],
        *(
            [["BLEU, as in papers", figures["bleu_tokenized"], "lower-cased, normalised, tokenised as by Moses"]]
            if "bleu_tokenized" in figures
            else []
        ),
        ["chrF", figures["chrf"], figures["chrf_signature"]],
        ["perplexity of a token", figures["perplexity"], f"{figures['pairs']:,} pairs, each token given those before"],
        ["tokens foreseen", figures["accuracy"], ""],
    ]
    yield table("", ["", "figure", "how"], rows)
    lengths = [
        [f"{row['from']} to {row['to']}" if row["to"] else f"from {row['from']}", row["pairs"], row["bleu"]]
        for row in figures["by_length"]
    ]
    yield table("By length", ["words of the source", "pairs", "BLEU"], lengths)
    for example in figures["examples"]:
        yield f"  {example['source']}\n  {example['translation']}\n  ({example['reference']})\n"
