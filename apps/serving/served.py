"""A loaded model: strings in, arrays out, with TensorFlow alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from apps.errors import UserError
from apps.serving import graph_allowed
from apps.serving.registry import ModelEntry


class ServedModel:
    """An exported model in memory.

    Args:
        entry: Where the model is and what its metadata say.
        module: The object that `tf.saved_model.load` returned. It owns the variables, so it is kept.
    """

    def __init__(self, entry: ModelEntry, module: Any) -> None:
        self.entry = entry
        self._module = module

    @classmethod
    def load(cls, entry: ModelEntry) -> "ServedModel":
        """Reads a SavedModel whose graph is made of allowed operations.

        The digests of its files are not checked; `registry.load` checks them first.

        Raises:
            UserError: when TensorFlow cannot read the model, or an operation in it is not allowed; nothing of the
                model has run then.
        """
        import tensorflow as tf

        try:
            refused = graph_allowed.refused_operations(graph_allowed.read_graph(entry.path))
        except graph_allowed.DamagedGraphError as error:
            raise UserError(f"Model {entry.key} cannot be loaded: {error}. Restore it or export it again.") from None
        if refused:
            more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
            raise UserError(
                f"Model {entry.key} is not loaded: {refused[0]}{more} is not among those that our exports are made of."
            )
        try:
            module = tf.saved_model.load(str(entry.path))
        except (OSError, ValueError, tf.errors.OpError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"TensorFlow {tf.__version__} cannot load model {entry.key}: {reason}") from error
        return cls(entry, module)

    @property
    def signatures(self) -> list[str]:
        """The names of the model's signatures."""
        return sorted(self._module.signatures)

    def call(self, signature: str, texts: Sequence[str | bytes]) -> dict[str, np.ndarray]:
        """One call of a signature that takes `text`.

        Args:
            signature: Its name, for example `serving_default`.
            texts: The batch; an empty one is fine. Text is passed on as UTF-8, bytes as they are.

        Returns:
            Each output by its name, the batch first; strings are `bytes` in an array of objects.

        Raises:
            UserError: when the model has no such signature, or fails on these texts.
        """
        return self.ask(signature, text=texts)

    def ask(self, signature: str, **inputs: Any) -> dict[str, np.ndarray]:
        """One call of a signature.

        Args:
            signature: Its name.
            inputs: Arrays, numbers or lists by the names of its inputs; texts as in `call`.

        Returns:
            Each output by its name; strings are `bytes` in an array of objects.

        Raises:
            UserError: when the model has no such signature or input, or fails on what it is given.
        """
        import tensorflow as tf

        if signature not in self._module.signatures:
            known = ", ".join(self.signatures)
            raise UserError(f"Model {self.entry.key} has no signature {signature!r}; it has: {known}.")
        try:
            return call_signature(self._module.signatures[signature], inputs)
        except tf.errors.OpError as error:
            raise UserError(f"Model {self.entry.key} fails in {signature!r}: {_reason(error.message)}") from error

    def predict(self, texts: Sequence[str | bytes], batch_size: int = 32) -> Iterator[tuple[list[str], np.ndarray]]:
        """The labels and probabilities of many texts, a batch at a time and in their order.

        Yields:
            The labels of the batch, and its probabilities `[batch, classes]`.
        """
        for start in range(0, len(texts), batch_size):
            outputs = self.call("serving_default", texts[start : start + batch_size])
            yield [decode_text(label) for label in outputs["label"]], outputs["probabilities"]


def call_signature(signature: Any, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The outputs, as arrays, of the function of a signature, for arrays, numbers, lists or tensors by name."""
    import tensorflow as tf

    # A loaded signature takes its inputs by name; a function that was not exported takes some by place alone.
    if hasattr(signature, "get_concrete_function"):
        positional, named = signature.input_signature, {}
    else:
        positional, named = signature.structured_input_signature
    known = {spec.name: spec for spec in positional} | named
    missing, extra = sorted(known.keys() - inputs.keys()), sorted(inputs.keys() - known.keys())
    if missing or extra:
        raise UserError(f"A signature takes {sorted(known)}; missing: {missing}, unknown: {extra}.")
    tensors = {name: _tensor(value, known[name]) for name, value in inputs.items()}
    first = [tensors.pop(spec.name) for spec in positional]
    outputs = signature(*first, **tensors)
    return {name: value.numpy() if isinstance(value, tf.Tensor) else value for name, value in outputs.items()}


def _reason(message: str) -> str:
    """The line of TensorFlow's message that says what is wrong."""
    lines = [line.strip() for line in message.splitlines()]
    noise = ("Graph execution error:", "[[", "<stack", "Detected at", "File ", "Errors may")
    return next((line for line in lines if line and not line.startswith(noise)), lines[0])


def _tensor(value: Any, spec: Any) -> Any:
    """A value as the tensor that a signature expects."""
    import tensorflow as tf

    if spec.dtype == tf.string and isinstance(value, (list, tuple)):
        value = [encode_text(text) for text in value]
        return tf.constant(value, tf.string, shape=[len(value)])
    return tf.cast(tf.convert_to_tensor(value), spec.dtype) if spec.dtype != tf.string else tf.convert_to_tensor(value)


def encode_text(text: str | bytes) -> bytes:
    """UTF-8 bytes of a text; a lone surrogate, which UTF-8 cannot hold, becomes a question mark."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")


def decode_text(value: bytes) -> str:
    """The text of UTF-8 bytes, with the replacement character for what is not UTF-8."""
    return value.decode("utf-8", "replace")
