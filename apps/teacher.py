"""An exported classifier as a teacher: its answers for texts without labels are what another one learns from."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from apps.errors import UserError

if TYPE_CHECKING:
    import numpy as np


def exact_name(model: str) -> str:
    """The `name/version` of an exported model that is named without it; a folder, and what names one, as they are.

    Raises:
        UserError: when there is no such model.
    """
    from apps.serving import registry

    entry = registry.find(model)
    return entry.key if model.strip("/") == entry.name else model


def open_teacher(model: str) -> "Callable[[Sequence[str]], Callable[[list[str]], np.ndarray]]":
    """`teacher(labels)(texts)`: the probabilities of the labels, in their order, float [texts, labels].

    Args:
        model: The `name`, `name/version` or folder of an exported classifier.

    Raises:
        UserError: when there is no such model, or it is of another task; the teacher raises it when its labels are
            others.
    """
    from apps.classification import predict_chunk
    from apps.serving import registry

    entry = registry.find(model)
    if entry.task != "sentiment":
        raise UserError(f"--model.teacher {model} does {entry.task}: name an exported sentiment model.")
    served = registry.load(entry)

    def teacher(labels: Sequence[str]) -> "Callable[[list[str]], np.ndarray]":
        if sorted(labels) != sorted(entry.labels):
            raise UserError(
                f"--model.teacher {model} tells apart {', '.join(entry.labels)}, and the data {', '.join(labels)}: "
                "name a teacher that was trained on the labels of these data."
            )
        places = [entry.labels.index(label) for label in labels]
        return lambda texts: predict_chunk(lambda batch: served.call("serving_default", batch), texts)[:, places]

    return teacher
