"""Where the pieces that a model read stand in the text that was typed.

A tokenizer lower-cases, drops spaces and tags, and may leave out the middle of a long text. To colour the text itself,
each piece is found again in it.
"""

import re
import unicodedata
from collections.abc import Sequence

UNKNOWN = "[UNK]"
CONTINUATION = "##"
_TAG = re.compile(r"</?\w+\s*/?>")
_WORD = re.compile(r"\w(?:[\w'])*|\S")
_SAME = {0x03C2: 0x03C3, 0x2019: 0x27, 0x02BC: 0x27, 0xFF07: 0x27}

Span = tuple[int, int]


def align(text: str, tokens: Sequence[str]) -> list[Span] | None:
    """The span [start, end) of each token in a text, in order and without overlap.

    Tokens follow each other with nothing but spaces between, and tags if they are no tokens, except for one gap: what a
    cut of an over-long text has left out, at its start, in the middle or at its end.

    Returns:
        One span a token, or None when some token is not found: the tokenizer has rewritten the text.
    """
    spans = _align(*_plain(text, tags=False), tokens)
    return _align(*_plain(text, tags=True), tokens) if spans is None else spans


def _align(characters: str, places: Sequence[int], tokens: Sequence[str]) -> list[Span] | None:
    """The spans in a text whose characters stand at `places`."""
    spans: list[Span] = []
    position = 0
    for token in tokens:
        found = _match_after(characters, position, _piece(token))
        if found is None:
            break
        spans.append(found)
        position = found[1]
    tail: list[Span] = []
    end = len(characters)
    for token in reversed(tokens[len(spans) :]):
        found = _match_before(characters, end, position, _piece(token))
        if found is None:
            return None
        tail.append(found)
        end = found[0]
    # The end is the place behind the last character, so that what is dropped after it stays outside.
    return [(places[start], places[stop - 1] + 1) for start, stop in spans + tail[::-1]]


def _piece(token: str) -> str:
    """A token as it stands in the text: lower case, without the mark of a word's continuation."""
    if token == UNKNOWN:
        return token
    if token.startswith(CONTINUATION) and len(token) > len(CONTINUATION):
        token = token[len(CONTINUATION) :]
    return "".join(_lower(char) for char in token)


def _lower(char: str) -> str:
    """Lower case, one sigma for both of its forms and one apostrophe for all."""
    return char.lower().translate(_SAME)


def _plain(text: str, tags: bool) -> tuple[str, list[int]]:
    """The text in lower case with formatting characters dropped, and the place of each character.

    Without `tags`, spaces stand where they are.
    """
    blank: set[int] = set()
    if not tags:
        for match in _TAG.finditer(text):
            blank.update(range(*match.span()))
    characters: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        if place in blank or char.isspace() or unicodedata.category(char) in ("Cc", "Zs", "Zl", "Zp"):
            piece = " "
        elif unicodedata.category(char) in ("Cf", "Co") or "\ufe00" <= char <= "\ufe0f":
            piece = ""
        else:
            piece = _lower(char)
        characters.append(piece)
        places.extend([place] * len(piece))
    return "".join(characters), places


def _match_after(characters: str, position: int, piece: str) -> Span | None:
    """The span of a piece that starts at `position`, spaces skipped."""
    while position < len(characters) and characters[position] == " ":
        position += 1
    if piece == UNKNOWN and not characters.startswith(piece.lower(), position):
        match = _WORD.match(characters, position)
        return match.span() if match else None
    return (position, position + len(piece)) if characters.startswith(piece.lower(), position) else None


def _match_before(characters: str, end: int, lowest: int, piece: str) -> Span | None:
    """The span of a piece that ends at `end`, spaces skipped, and starts at `lowest` or later."""
    while end > lowest and characters[end - 1] == " ":
        end -= 1
    if piece == UNKNOWN and not characters.endswith(piece.lower(), lowest, end):
        start = end - 1
        while start > lowest and _WORD.fullmatch(characters, start - 1, end):
            start -= 1
        return (start, end) if start >= lowest else None
    start = end - len(piece)
    return (start, end) if start >= lowest and characters.startswith(piece, start) and piece else None
