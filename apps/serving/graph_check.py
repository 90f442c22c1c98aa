"""Whether an exported graph runs everywhere: on a CPU, without XLA, without Python, with allowed operations alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apps.serving import graph_allowed

PYTHON_OPS = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
XLA_OPS = frozenset({"XlaLaunch", "XlaLaunchV2", "XlaCallModule", "_XlaCompile", "_XlaRun"})


def graph_problems(directory: Path) -> list[str]:
    """What in `directory/saved_model.pb` would not run in another process on a CPU, or would be refused there.

    The main graph and every function of its library are looked at, those that only a gradient or one branch of a
    condition calls too.

    Returns:
        One line for each kind of problem and function; empty for a graph that is fine.
    """
    model = graph_allowed.read_graph(directory)
    found: dict[str, None] = {}
    for meta_graph in model.meta_graphs:
        for place, node in _nodes(meta_graph.graph_def):
            if node.op.startswith("Cudnn"):
                found[f"op {node.op} in {place} runs on a GPU only"] = None
            elif node.op in PYTHON_OPS:
                found[f"op {node.op} in {place} calls back into Python"] = None
            elif node.op in XLA_OPS or _wants_xla(node.attr):
                found[f"op {node.op} in {place} must be compiled by XLA"] = None
        for function in meta_graph.graph_def.library.function:
            if _wants_xla(function.attr):
                found[f"function {function.signature.name} must be compiled by XLA"] = None
    return list(found) or [
        f"{line} is not in apps/serving/allowed_operations.py" for line in graph_allowed.refused_operations(model)
    ]


def _nodes(graph: Any) -> Iterator[tuple[str, Any]]:
    """All nodes of a graph and of its function library, with the name of the place they are in."""
    for node in graph.node:
        yield "the main graph", node
    for function in graph.library.function:
        for node in function.node_def:
            yield f"function {function.signature.name}", node


def _wants_xla(attributes: Any) -> bool:
    """Whether the attributes of a node or function demand compilation by XLA."""
    return "_XlaMustCompile" in attributes and attributes["_XlaMustCompile"].b
