"""A layer that runs along time, made of whatever may stand for one."""

from keras_seq.recurrent.bidirectional import Bidirectional
from keras_seq.recurrent.driver import Driver
from keras_seq.recurrent.recurrent import Recurrent
from keras_seq.recurrent.stacked import Stacked


def as_driver(layer, name="layer"):
    """Return a `Recurrent`, `Bidirectional` or `Stacked` layer as it is and a cell as `Recurrent`, or raise.

    Args:
        layer: What a user gave.
        name: Name of the argument, for the error.
    """
    if isinstance(layer, (Recurrent, Bidirectional, Stacked)):
        if getattr(layer, "return_alignments", False):
            raise ValueError(f"A layer cannot have `return_alignments=True` as `{name}`.")
        if layer.output_count > 1:
            raise ValueError(f"A `Bidirectional` layer needs a `merge_mode` as `{name}`. Received: merge_mode=None")
        return layer
    if callable(layer) and hasattr(layer, "state_size") and not isinstance(layer, Driver):
        return Recurrent(layer)
    raise ValueError(
        f"Argument `{name}` must be a cell or a `Recurrent`, `Bidirectional` or `Stacked` layer. Received: {layer!r}"
    )
