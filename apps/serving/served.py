"""A loaded model: strings in, arrays out, with TensorFlow alone."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from apps.errors import UserError
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
        """Reads a SavedModel without checking its files; `registry.load` checks them first.

        Raises:
            UserError: when TensorFlow cannot read the model.
        """
        import tensorflow as tf

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
        import tensorflow as tf

        if signature not in self._module.signatures:
            known = ", ".join(self.signatures)
            raise UserError(f"Model {self.entry.key} has no signature {signature!r}; it has: {known}.")
        batch = tf.constant([encode_text(text) for text in texts], dtype=tf.string, shape=[len(texts)])
        try:
            outputs = self._module.signatures[signature](text=batch)
        except tf.errors.OpError as error:
            reason = error.message.strip().splitlines()[0]
            raise UserError(f"Model {self.entry.key} fails on a batch of {len(texts)} texts: {reason}") from error
        return {name: tensor.numpy() for name, tensor in outputs.items()}

    def predict(self, texts: Sequence[str | bytes], batch_size: int = 32) -> Iterator[tuple[list[str], np.ndarray]]:
        """The labels and probabilities of many texts, a batch at a time and in their order.

        Yields:
            The labels of the batch, and its probabilities `[batch, classes]`.
        """
        for start in range(0, len(texts), batch_size):
            outputs = self.call("serving_default", texts[start : start + batch_size])
            yield [decode_text(label) for label in outputs["label"]], outputs["probabilities"]


def encode_text(text: str | bytes) -> bytes:
    """UTF-8 bytes of a text; a lone surrogate, which UTF-8 cannot hold, becomes a question mark."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")


def decode_text(value: bytes) -> str:
    """The text of UTF-8 bytes, with the replacement character for what is not UTF-8."""
    return value.decode("utf-8", "replace")
