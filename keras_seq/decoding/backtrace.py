"""From the beams of every step to whole sequences."""

from keras import ops


def trace_back(parents, steps):
    """The way of each beam of the last step through all steps.

    The way of a beam is a chain of parents. Chains of one step are joined to chains of two, those to chains of four,
    and so on: that takes as many rounds as the logarithm of the number of steps.

    Args:
        parents: int32 `[time, batch, width]`: the beam of the step before that each beam continues.
        steps: Scalar int32 tensor, the number of steps that were run.

    Returns:
        `(beams, parents)`, int32 `[time, batch, width]`: for each step the beam that became each beam of the last step,
        and the parent of that beam; and all parents, those of steps that were not run leading straight on.
    """
    length = ops.shape(parents)[0]
    times = ops.reshape(ops.arange(length, dtype="int32"), (-1, 1, 1))
    straight = ops.zeros_like(parents) + ops.arange(ops.shape(parents)[-1], dtype="int32")
    parents = ops.where(times < steps, parents, straight)
    beams = ops.concatenate([parents[1:], straight[:1]], axis=0)

    def join(distance, beams):
        later = ops.take(beams, ops.minimum(times[:, 0, 0] + distance, length - 1), axis=0)
        return 2 * distance, ops.take_along_axis(beams, later, axis=-1)

    _, beams = ops.while_loop(lambda distance, _: distance < length, join, (ops.convert_to_tensor(1), beams))
    return beams, parents
