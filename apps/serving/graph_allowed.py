"""Whether a SavedModel is made of allowed operations alone: its graph is read and none of it is run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apps.serving.allowed_operations import ALLOWED, CHECKPOINT

GRAPH_FILE = "saved_model.pb"


class DamagedGraphError(ValueError):
    """The file is no SavedModel that `tf.saved_model.save` has written."""


def read_graph(directory: Path) -> Any:
    """The protocol buffer of a SavedModel.

    Raises:
        DamagedGraphError: when there is no such file, or it cannot be parsed.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel()
    try:
        # Of the files that TensorFlow knows, this is the one that it takes first.
        model.ParseFromString((directory / GRAPH_FILE).read_bytes())
    except (OSError, DecodeError):
        raise DamagedGraphError(f"{GRAPH_FILE} is damaged or missing") from None
    if not model.meta_graphs or not all(graph.HasField("object_graph_def") for graph in model.meta_graphs):
        # Without an object graph, TensorFlow would run parts of the main graph to load it.
        raise DamagedGraphError(f"{GRAPH_FILE} is damaged: it has no graph of objects")
    return model


def refused_operations(model: Any) -> list[str]:
    """What of a SavedModel is not allowed, one `operation X in PLACE` for each operation and place.

    The main graph and every function of the library are looked at, called or not. Files are read and written by the
    operations of a checkpoint alone. Those are fine in the functions behind the main graph's nodes for saving and
    restoring: TensorFlow's own loader never runs these, and TF Serving hands them the folder of the model. Nothing else
    may lead to such a function.

    Args:
        model: What `read_graph` returned.
    """
    found: dict[str, None] = {}
    for graph in model.meta_graphs:
        checkpoint_functions = _checkpoint_functions(graph)
        for node in graph.graph_def.node:
            if node.op not in ALLOWED:
                found[f"operation {node.op} in the main graph"] = None
        for function in graph.graph_def.library.function:
            name = function.signature.name
            allowed = ALLOWED | CHECKPOINT if name in checkpoint_functions else ALLOWED
            for node in function.node_def:
                if node.op not in allowed:
                    found[f"operation {node.op} in function {name}"] = None
    return list(found)


def _checkpoint_functions(graph: Any) -> set[str]:
    """The functions that only the main graph's nodes for saving and restoring call."""
    library, saver = graph.graph_def.library, graph.saver_def
    savers = {saver.save_tensor_name.partition(":")[0], saver.restore_op_name}
    inside = {name for node in graph.graph_def.node if node.name in savers for name in _called(node)}
    callers = [node for node in graph.graph_def.node if node.name not in savers]
    callers += [node for function in library.function for node in function.node_def]
    outside = {name for node in callers for name in _called(node)}
    outside.update(name for function in library.function for name in _named(function.attr))
    outside.update(name for pair in library.gradient for name in (pair.function_name, pair.gradient_func))
    # What a loaded model can be asked for, or runs while it is loaded.
    outside.update(graph.object_graph_def.concrete_functions)
    for item in graph.object_graph_def.nodes:
        outside.add(item.bare_concrete_function.concrete_function_name)
        outside.update(item.function.concrete_functions)
    return inside - outside


def _called(node: Any) -> Iterator[str]:
    """The functions that a node names; one may stand in the place of an operation."""
    yield node.op
    yield from _named(node.attr)


def _named(attributes: Any) -> Iterator[str]:
    """All that could be a function's name among attributes."""
    for value in attributes.values():
        yield value.s.decode("utf-8", "replace")
        for function in (value.func, *value.list.func):
            yield function.name
            yield from _named(function.attr)
