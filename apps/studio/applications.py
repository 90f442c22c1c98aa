"""The applications of the studio, as cards of the home page: what each does, a picture of it, and its page."""

from dataclasses import dataclass
from html import escape

from apps.studio import frame


@dataclass(frozen=True)
class Link:
    """A link to a page: its script, the words and the icon."""

    page: str
    words: str
    icon: str


@dataclass(frozen=True)
class Application:
    """Something to try.

    Attributes:
        title: Its name.
        task: The task whose models it needs, if it needs any.
        does: What a person can do there, in a sentence.
        links: Where it is.
        picture: What it looks like, as HTML.
        pictured: The same in words.
    """

    title: str
    task: str | None
    does: str
    links: tuple[Link, ...]
    picture: str
    pictured: str

    def preview(self) -> str:
        """The upper part of the card, as HTML."""
        return (
            f'<div class="studio application"><div class="preview" role="img" aria-label="{escape(self.pictured)}">'
            f'<div aria-hidden="true">{self.picture}</div></div>'
            f"<h3>{escape(self.title)}</h3><p>{escape(self.does)}</p></div>"
        )


def _words(*words: tuple[str, int]) -> str:
    """Words, each coloured by its number: above zero for, below against."""
    return " ".join(
        f'<span class="token {"for" if weight >= 0 else "against"}{" strong" if abs(weight) > 30 else ""}" '
        f'style="--weight: {abs(weight)}">{escape(word)}</span>'
        for word, weight in words
    )


def _bars(*bars: tuple[str, int, bool]) -> str:
    """Names with bars of so many percent; one may stand out."""
    return (
        '<div class="mini-bars">'
        + "".join(
            f'<span>{escape(name)}</span><i class="{"first" if first else ""}" style="width: {share}%"></i>'
            for name, share, first in bars
        )
        + "</div>"
    )


def _joined(*pairs: tuple[str, str]) -> str:
    """Two sentences, one above the other; the lines between their words are drawn by the style sheet."""
    return (
        '<div class="joined">'
        + "".join(f"<span>{word}</span>" for row in zip(*pairs, strict=True) for word in row)
        + "</div>"
    )


APPLICATIONS = (
    Application(
        "Sentiment",
        "sentiment",
        "Is a review good or bad, how sure is the model, and which words made it say so?",
        (Link(frame.SENTIMENT, "Read a review", ":material/sentiment_satisfied:"),),
        f'<p class="sample">{_words(("A", 0), ("slow", -28), ("start,", 0), ("but", 6), ("a", 0))} '
        f"{_words(('wonderful', 42), ('film.', 8))}</p>{_bars(('positive', 78, True), ('negative', 14, False))}",
        "A review with the words coloured that speak for and against the verdict",
    ),
    Application(
        "Text generation",
        "text_generation",
        "Watch a text grow letter by letter, and see what could have come next.",
        (Link(frame.TEXT_GENERATION, "Let it write", ":material/edit_note:"),),
        '<p class="sample"><span class="muted">Once upon</span> a ti<span class="cursor"></span></p>'
        + _bars(("m", 80, True), ("n", 9, False), ("d", 5, False)),
        "A text that is being written, with the most probable next letters as bars",
    ),
    Application(
        "Translation",
        "translation",
        "A sentence and its translation, word joined to word, and what else the search tried.",
        (Link(frame.TRANSLATION, "Translate a sentence", ":material/translate:"),),
        _joined(("the", "le"), ("black", "chat"), ("cat", "noir")),
        "The black cat, joined word by word to le chat noir",
    ),
    Application(
        "Cells",
        "cells",
        "What Elman, LSTM and GRU remember of a text, and what their gates do meanwhile.",
        (Link(frame.CELLS, "Look inside", ":material/memory:"),),
        '<p class="sample letters">The lamp '
        + "".join(f'<span class="token for" style="--weight: 55">{letter}</span>' for letter in "(the small one")
        + ") was lit.</p>"
        + _bars(("keep", 92, True), ("write", 20, False)),
        "A text in which the letters inside a bracket are coloured, with gates as bars",
    ),
    Application(
        "Compare",
        None,
        "Two models, one text or one file: where they agree, and which of them is right.",
        (Link(frame.COMPARE, "Compare two models", ":material/compare_arrows:"),),
        '<div class="pair"><div><b>first</b>'
        + _bars(("yes", 84, True), ("no", 10, False))
        + "</div><div><b>second</b>"
        + _bars(("yes", 32, False), ("no", 62, True))
        + "</div></div>",
        "Two models with different answers, side by side",
    ),
    Application(
        "Runs and tuning",
        None,
        "Trainings with their curves as they grow, a leaderboard, and searches for better settings.",
        (Link(frame.RUNS, "Runs", ":material/monitoring:"), Link(frame.TUNING, "Tuning", ":material/tune:")),
        '<div class="falling"></div>',
        "Two curves of a loss that fall",
    ),
)
