"""What differs between two sequences of tokens."""

from collections.abc import Sequence
from difflib import SequenceMatcher


def changed_tokens(before: Sequence[str], after: Sequence[str]) -> tuple[frozenset[int], frozenset[int]]:
    """The positions of the tokens of `before` that are gone, and of those of `after` that are new."""
    removed: set[int] = set()
    added: set[int] = set()
    # Without `autojunk`, frequent words of long texts would count as changed.
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            removed.update(range(i, j))
            added.update(range(k, m))
    return frozenset(removed), frozenset(added)
