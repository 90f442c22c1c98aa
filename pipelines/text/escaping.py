r"""Tokens that hold white space, one a line: a line feed is written as \n, a space as \x20, a backslash as \\."""

import re

_ESCAPE = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[ntr\\])")


def escape(token: str) -> str:
    """The token, with everything that cannot be seen written out."""
    return "".join(_written(character) for character in token)


def unescape(line: str) -> str:
    """The token that `escape` has written.

    Raises:
        ValueError: There is a backslash that it has not written.
    """
    if "\\" in _ESCAPE.sub("", line):
        raise ValueError(f"a backslash in {line!r} escapes nothing")
    return _ESCAPE.sub(lambda match: match[0].encode("ascii").decode("unicode_escape"), line)


def _written(character: str) -> str:
    if character == " ":
        return r"\x20"
    if character.isprintable() and character != "\\":
        return character
    return character.encode("unicode_escape").decode("ascii")
