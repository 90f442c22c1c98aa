"""Several decoders as one."""

from keras import ops


class Ensemble:
    """A step function that averages the log-probabilities of several: `ensemble([step, step])`.

    Its state is the list of their states, and its alignment the mean of those that there are. The average is the score:
    it is not normalised again.

    Args:
        steps: List of functions `(tokens, state) -> (logits, state, alignment)`.
        weights: Optional list of weights of the average, which are divided by their sum. Defaults to equal ones.

    Call arguments:
        tokens: Integer tensor `[batch]`.
        state: List with a state for each step function.
    """

    gives_log_probabilities = True

    def __init__(self, steps, weights=None):
        self.steps = list(steps)
        if not self.steps:
            raise ValueError("Argument `steps` must have at least one step function. Received: steps=[]")
        weights = [1.0] * len(self.steps) if weights is None else list(weights)
        if len(weights) != len(self.steps) or min(weights) < 0 or not sum(weights):
            raise ValueError(
                f"`weights` must be {len(self.steps)} numbers from 0 on, not all of them 0. Received: weights={weights}"
            )
        self.weights = [weight / sum(weights) for weight in weights]

    def __call__(self, tokens, state):
        """One step of all decoders."""
        results = [step(tokens, part) for step, part in zip(self.steps, state, strict=True)]
        log_probabilities = 0.0
        for (logits, _, _), step, weight in zip(results, self.steps, self.weights, strict=True):
            logits = ops.cast(logits, "float32")
            own = logits if getattr(step, "gives_log_probabilities", False) else ops.log_softmax(logits, axis=-1)
            log_probabilities = log_probabilities + weight * own
        alignments = [alignment for _, _, alignment in results if alignment is not None]
        alignment = sum(alignments[1:], alignments[0]) / len(alignments) if alignments else None
        return log_probabilities, [new for _, new, _ in results], alignment


def ensemble(steps, weights=None):
    """Average the log-probabilities of several step functions; see `Ensemble`.

    Args:
        steps: List of functions `(tokens, state) -> (logits, state, alignment)`.
        weights: Optional list of weights of the average.

    Returns:
        A step function, whose state is the list of their states.
    """
    return Ensemble(steps, weights)
