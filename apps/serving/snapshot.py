"""The part of a model that its signatures use, as one object without Keras in it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def inference_module(concrete: Mapping[str, Any], tracked: Sequence[Any]) -> tuple[Any, list[Any]]:
    """A `tf.Module` that holds the variables and tables that some functions capture, and nothing else.

    A Keras model also owns its optimizer, metrics and random generators. They would be saved with it, and their objects
    would need Keras to be loaded; so the variables are taken out one by one.

    Args:
        concrete: Concrete functions by name.
        tracked: What owns their variables and tables: Keras models and layers, `tf.Module`s, tables.

    Returns:
        The module, and the list of its variables.
    """
    import tensorflow as tf

    captured = {id(tensor) for function in concrete.values() for tensor in function.captured_inputs}
    variables: dict[int, Any] = {}
    resources: dict[int, Any] = {}
    for owner in tracked:
        for item in _trackables(owner):
            if isinstance(item, tf.Variable):
                if id(item.handle) in captured:
                    variables[id(item.handle)] = item
            elif id(getattr(item, "resource_handle", None)) in captured:
                resources[id(item.resource_handle)] = item
    module = tf.Module()
    module.variables_of_model = list(variables.values())
    module.tables_of_model = list(resources.values())
    return module, list(variables.values())


def _trackables(owner: Any) -> Iterator[Any]:
    """The owner and everything below it that TensorFlow could save, and the variables of a Keras object."""
    import tensorflow as tf

    for variable in getattr(owner, "variables", ()):
        value = getattr(variable, "value", None)
        # A Keras variable wraps a TensorFlow variable; that of a TensorFlow variable is a method.
        yield value if isinstance(value, tf.Variable) else variable
    yield from tf.train.TrackableView(owner).descendants()
