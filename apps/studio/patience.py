"""Predictions that may not take for ever: a few at a time, each with a limit."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from apps.errors import UserError
from apps.serving.served import ServedModel
from apps.studio.settings import MAX_SECONDS, PREDICTIONS_AT_ONCE

FIRST_CALL = 5
"""How many times as long the first call of a signature may take."""

_WORKERS = ThreadPoolExecutor(PREDICTIONS_AT_ONCE, "prediction")


class PatientModel(ServedModel):
    """A loaded model for many visitors.

    What a visitor asks waits while as many others as may be are being answered, so that memory has a bound, and is
    given up when the time is over. TensorFlow cannot be stopped in the middle of a call: one that was given up keeps
    its place until it ends, which the limits on texts see to.

    Args:
        model: The model.
        seconds: How long a call may wait, and how long it may then take.
        workers: Where calls are made.
    """

    def __init__(
        self, model: ServedModel, seconds: float = MAX_SECONDS, workers: ThreadPoolExecutor | None = None
    ) -> None:
        super().__init__(model.entry, model._module)
        self._seconds = seconds
        self._workers = workers or _WORKERS
        self._prepared: set[str] = set()

    def ask(self, signature: str, **inputs: Any) -> dict[str, np.ndarray]:
        """One call of a signature, as `ServedModel.ask`.

        Raises:
            UserError: also when too many others are asking, or the answer takes too long.
        """
        # TensorFlow prepares a graph when it is called for the first time, which may take longer than any answer.
        seconds = self._seconds * (1 if signature in self._prepared else FIRST_CALL)
        begun = threading.Event()

        def answer() -> dict[str, np.ndarray]:
            begun.set()
            return ServedModel.ask(self, signature, **inputs)

        future = self._workers.submit(answer)
        if not begun.wait(seconds) and future.cancel():
            raise UserError("The studio has too much to do at the moment. Try again in a minute.")
        try:
            found = future.result(seconds)
        except TimeoutError:
            raise UserError(
                f"Model {self.entry.key} was given up after {seconds:g} seconds. Ask it about a shorter text."
            ) from None
        self._prepared.add(signature)
        return found
