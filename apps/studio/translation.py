"""A translator's answer to one text, with all that its search has seen."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.serving.registry import ModelEntry
from apps.serving.served import ServedModel, decode_text

END_MARK, END_SIGN = "\x03", "∎"


@dataclass(frozen=True)
class Beam:
    """One sequence under way in a step of the search.

    Attributes:
        step: From 0.
        place: Its place among those of the step, from 0.
        parent: The place of the one it continues, in the step before.
        token: What it was continued with; "" for one that had ended.
        score: Of the whole sequence.
        chosen: Whether it is on the way to the best translation.
    """

    step: int
    place: int
    parent: int
    token: str
    score: float
    chosen: bool


@dataclass(frozen=True)
class Translation:
    """What a translator says to one text.

    Attributes:
        texts: The translations, the best first.
        scores: Their scores.
        source: The tokens of the text.
        targets: The tokens of each translation.
        alignments: For each translation how much each of its tokens looked at each token of the text, [target, source].
        beams: The search.
    """

    texts: list[str]
    scores: list[float]
    source: list[str]
    targets: list[list[str]]
    alignments: list[np.ndarray]
    beams: list[Beam]


def languages(entry: ModelEntry) -> tuple[str, str]:
    """The languages that a model translates from and to, as far as its metadata say; "" is one that they do not."""
    data = entry.metadata.get("data")
    found = data.get("languages") if isinstance(data, dict) else None
    if not isinstance(found, list) or len(found) != 2:
        return "", ""
    return str(found[0] or ""), str(found[1] or "")


def translate(model: ServedModel, text: str, beam_width: int, length_penalty: float, n_best: int) -> Translation:
    """Ask a translator about one text."""
    found = model.ask(
        "translate",
        text=[text],
        beam_width=beam_width,
        length_penalty=length_penalty,
        n_best=min(n_best, beam_width),
        max_length=0,
    )
    source = _shown(found["source_tokens"][0])
    targets = [_shown(tokens) for tokens in found["target_tokens"][0]]
    return Translation(
        texts=[decode_text(one) for one in found["translations"][0]],
        scores=[float(score) for score in found["scores"][0]],
        source=source,
        targets=targets,
        alignments=[
            np.asarray(weights[: len(tokens), : len(source)], np.float64)
            for weights, tokens in zip(found["alignment"][0], targets, strict=True)
        ],
        beams=_beams(found),
    )


def _shown(tokens: Any) -> list[str]:
    """The tokens of a row without its padding, for people."""
    return [_plain(decode_text(token)) for token in tokens if token]


def _plain(token: str) -> str:
    """A token without the space before it; the mark of the end as a sign that can be seen."""
    return END_SIGN if token == END_MARK else token.strip() or "␣"


def _beams(found: dict[str, np.ndarray]) -> list[Beam]:
    """The sequences of all steps that had a score, with the way to the best marked."""
    tokens, parents, scores = (found[name][0] for name in ("beam_tokens", "beam_parents", "beam_scores"))
    steps, width = scores.shape
    alive = np.isfinite(scores) & (scores > -1e8)
    chosen: set[tuple[int, int]] = set()
    if steps and alive[-1].any():
        place = int(np.where(alive[-1], scores[-1], -np.inf).argmax())
        for step in range(steps - 1, -1, -1):
            chosen.add((step, place))
            place = int(parents[step, place])
    return [
        Beam(
            step,
            place,
            int(parents[step, place]),
            _plain(decode_text(tokens[step, place])) if tokens[step, place] else "",
            float(scores[step, place]),
            (step, place) in chosen,
        )
        for step in range(steps)
        for place in range(width)
        if alive[step, place]
    ]
