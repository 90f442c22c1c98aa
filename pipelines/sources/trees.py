"""Trees in brackets, one a line: `(3 (2 It) (4 (2 's) (4 good)))`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipelines.config import DataConfig
from pipelines.errors import DataError
from pipelines.sources.text_files import full_lines, short_name

_TOKEN = re.compile(r"[()]|[^ \t\r\n()]+")  # a word may hold a no-break space
_ESCAPED = re.compile(r"\\([/*])")  # the Penn Treebank writes \/ and \*


class Tree(NamedTuple):
    """A labelled tree. Its nodes are numbered as their brackets open, so that the root is node 0.

    Attributes:
        labels: The label of each node.
        words: The word of each node; "" where there is none.
        parents: The parent of each node; -1 for the root.
        positions: Which child of its parent each node is, from 0.
        depth: How far from the root each node is.
        place: Where the tree stands: "train.txt:12".
    """

    labels: list[str]
    words: list[str]
    parents: list[int]
    positions: list[int]
    depth: list[int]
    place: str

    @property
    def arity(self) -> int:
        """The largest number of children of a node."""
        return max(self.positions[1:], default=-1) + 1


def read_trees(path: Path, config: DataConfig) -> Iterator[Tree]:
    """The trees of a file, in its order; empty lines are passed over.

    Raises:
        DataError: The brackets of a line make no tree, there is no tree at all, or the file cannot be read.
    """
    any_tree = False
    for place, text in full_lines(path, config):
        any_tree = True
        yield parse_tree(text, place)
    if not any_tree:
        raise DataError(f"{short_name(path)} holds no trees: it needs one a line, such as (3 (2 so) (4 good))")


def parse_tree(text: str, place: str) -> Tree:
    """The tree that a line of brackets spells: a label after each opening bracket, then a word, children or both.

    Trees may be as deep as they like: nothing here recurses.

    Raises:
        DataError: The brackets make no tree.
    """
    tree = Tree([], [], [], [], [], place)
    children: list[int] = []  # of each node, so far
    open_nodes: list[int] = []
    for match in _TOKEN.finditer(text):
        token, where = match[0], f"{place}: character {match.start() + 1}"
        if token == "(":
            if not open_nodes and tree.labels:
                raise DataError(f"{where}: a second tree begins in this line: give each tree its own line")
            parent = open_nodes[-1] if open_nodes else -1
            if open_nodes and not tree.labels[parent]:
                raise DataError(f"{where}: a child before the label of its parent: write (label child child)")
            tree.parents.append(parent)
            tree.positions.append(children[parent] if open_nodes else 0)
            tree.depth.append(len(open_nodes))
            tree.labels.append("")
            tree.words.append("")
            if open_nodes:
                children[parent] += 1
            children.append(0)
            open_nodes.append(len(children) - 1)
        elif not open_nodes:
            problem = "a bracket closes that never opened" if token == ")" else f"{token!r} stands outside of brackets"
            raise DataError(f"{where}: {problem}: correct the brackets of this line")
        elif token == ")":
            node = open_nodes.pop()
            if not tree.words[node] and not children[node]:
                raise DataError(f"{where}: the node that closes here has no word and no children: give it one")
        else:
            _fill(tree, open_nodes[-1], children[open_nodes[-1]], _ESCAPED.sub(r"\1", token), where)
    if open_nodes:
        raise DataError(f"{place}: {len(open_nodes)} brackets never close: correct the brackets of this line")
    return tree


def _fill(tree: Tree, node: int, children: int, token: str, where: str) -> None:
    """Takes a token as the label of a node, or as its word."""
    if not tree.labels[node]:
        tree.labels[node] = token
    elif children or tree.words[node]:
        other = "its children" if children else f"its word {tree.words[node]!r}"
        raise DataError(f"{where}: {token!r} is one word too many after {other}: a node has a label and one word")
    else:
        tree.words[node] = token
