"""Location-aware attention."""

import keras
from keras import ops

from keras_seq.attention.additive import AdditiveAttention, additive_scores
from keras_seq.attention.masking import masked_softmax, to_places, valid_first, valid_places
from keras_seq.cells.cell import check_units


@keras.saving.register_keras_serializable(package="keras_seq")
class LocationAwareAttention(AdditiveAttention):
    """The attention of Chorowski et al. (2015), "Attention-Based Models for Speech Recognition".

        f_i  = F * a_{i-1}                                  convolution along the memory
        e_ij = v . tanh(s_{i-1} W + h_j U + f_ij V + b)
        a_ij = softmax over j of e_ij
        c_i  = sum over j of a_ij h_j

    for the query `s_{i-1}` and the memory `h`; `F` = `filters_kernel`, `W` = `query_kernel`, `U` = `memory_kernel`, `V`
    = `location_kernel`, `b` = `bias`, `v` = `score_kernel`. The attention sees where it looked in the step before, so
    that it can go on from there; equal sounds at different places are told apart. `a_0` is zero.

    Args:
        units: Positive integer, size of the hidden layer that scores a step.
        filters: Positive integer, number of filters. Defaults to `10`.
        kernel_size: Positive odd integer, length of a filter. Defaults to `31`.
        **kwargs: Further arguments of `AdditiveAttention`, `normalize` among them, and the arguments of a layer.

    Call arguments:
        query: Tensor `[batch, features]` or `[batch, time, features]`, whose steps take their turns.
        memory: Tensor `[batch, memory_time, memory_features]`.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.

    Returns:
        `(context, weights)`: `[batch, memory_features]` and `[batch, memory_time]`, or `[batch, time, ...]`.

    Example:

    >>> attention = keras_seq.LocationAwareAttention(16, kernel_size=5)
    >>> context, weights = attention(np.random.random((32, 5, 8)), np.random.random((32, 10, 4)))
    >>> context.shape, weights.shape
    ((32, 5, 4), (32, 5, 10))
    """

    state_sizes = (None,)
    always_bias = True

    def __init__(self, units, filters=10, kernel_size=31, **kwargs):
        super().__init__(units, **kwargs)
        self.filters = check_units(filters, "filters")
        self.kernel_size = check_units(kernel_size, "kernel_size")
        if kernel_size % 2 == 0:
            raise ValueError(f"Argument `kernel_size` must be odd. Received: kernel_size={kernel_size}")

    def build(self, query_shape, memory_shape):
        """Create the weights for queries `[batch, features]` and memories `[batch, memory_time, memory_features]`."""
        super().build(query_shape, memory_shape)
        self.filters_kernel = self._kernel((self.kernel_size, 1, self.filters), "filters_kernel")
        self.location_kernel = self._kernel((self.filters, self.units), "location_kernel")

    def project_memory(self, memory, memory_mask=None):
        """As in additive attention. With a mask, the valid steps of each row come first, since neighbours matter."""
        if memory_mask is None:
            return super().project_memory(memory)
        mask = ops.cast(memory_mask, "bool")
        memory, in_front = valid_first(ops.convert_to_tensor(memory), mask)
        return {**super().project_memory(memory, in_front), "places": valid_places(mask), "own_mask": mask}

    def initial_alignment(self, projected):
        """The weights `a_0`, with the valid steps first."""
        return [ops.cast(self.no_alignment(projected), self.wide_dtype)]

    def align(self, query, projected, state, training=False, noise=None):
        """One step: the softmax of scores that know the weights of the step before."""
        before = ops.expand_dims(ops.cast(state[0], self.compute_dtype), -1)  # [batch, memory_time, 1]
        found = ops.conv(before, self.computed(self.filters_kernel), padding="same")
        found = ops.matmul(found, self.computed(self.location_kernel))  # [batch, memory_time, units]
        query = ops.matmul(query, self.computed(self.query_kernel))
        scores = additive_scores(query, ops.add(projected["keys"], found), self.normalized_score_kernel())
        weights = masked_softmax(scores[:, 0], projected.get("mask"))
        return ops.expand_dims(weights, 1), [weights]

    def attend(self, query, projected, state=(), training=False, noise=None):
        """Look at the memory once; see `Attention.attend`."""
        context, weights, state = super().attend(query, projected, state, training, noise)
        if "places" in projected:
            weights = to_places(weights, projected["places"], projected["own_mask"])
        return context, weights, state

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {**super().get_config(), "filters": self.filters, "kernel_size": self.kernel_size}
