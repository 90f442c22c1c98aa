"""Additive attention."""

import math

import keras
from keras import initializers, ops

from keras_seq.attention.content import ContentAttention
from keras_seq.cells.cell import check_units


def additive_scores(query, keys, score_kernel):
    """Scores `[batch, time, memory_time]` of queries `[batch, time, units]` and keys `[batch, memory_time, units]`.

    Keys that depend on the step are `[batch, time, memory_time, units]`.
    """
    keys = ops.expand_dims(keys, 1) if len(keys.shape) == 3 else keys
    hidden = ops.tanh(ops.add(ops.expand_dims(query, 2), keys))  # [batch, time, memory_time, units]
    return ops.squeeze(ops.matmul(hidden, ops.expand_dims(score_kernel, -1)), axis=-1)


@keras.saving.register_keras_serializable(package="keras_seq")
class AdditiveAttention(ContentAttention):
    """The attention of Bahdanau et al. (2015), "Neural Machine Translation by Jointly Learning to Align and Translate".

        e_ij = v . tanh(s_{i-1} W + h_j U)
        a_ij = softmax over j of e_ij
        c_i  = sum over j of a_ij h_j

    for the query `s_{i-1}` and the memory `h`; `W` = `query_kernel`, `U` = `memory_kernel`, `v` = `score_kernel`.
    Normalised (Salimans and Kingma 2016, "Weight Normalization", as it is used in the field):

        e_ij = g v / |v| . tanh(s_{i-1} W + h_j U + b)

    with `g` = `gain`, which starts at `1 / sqrt(units)`, and `b` = `bias`.

    Args:
        units: Positive integer, size of the hidden layer that scores a step.
        normalize: Whether `v` is normalised. Defaults to `False`.
        kernel_initializer: Initializer of the kernels. Defaults to `"glorot_uniform"`.
        **kwargs: The arguments of a layer.

    Call arguments:
        query: Tensor `[batch, features]` or `[batch, time, features]`.
        memory: Tensor `[batch, memory_time, memory_features]`.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.

    Returns:
        `(context, weights)`: `[batch, memory_features]` and `[batch, memory_time]`, or `[batch, time, ...]`.

    Example:

    >>> attention = keras_seq.AdditiveAttention(16)
    >>> context, weights = attention(np.random.random((32, 8)), np.random.random((32, 10, 4)))
    >>> context.shape, weights.shape
    ((32, 4), (32, 10))
    """

    # Whether there is a bias also where the scores are not normalised.
    always_bias = False

    def __init__(self, units, normalize=False, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units = check_units(units)
        self.normalize = normalize
        self.kernel_initializer = initializers.get(kernel_initializer)

    def build(self, query_shape, memory_shape):
        """Create the weights for queries `[batch, features]` and memories `[batch, memory_time, memory_features]`."""
        super().build(query_shape, memory_shape)
        self.query_kernel = self._kernel((query_shape[-1], self.units), "query_kernel")
        self.memory_kernel = self._kernel((memory_shape[-1], self.units), "memory_kernel")
        self.score_kernel = self._kernel((self.units,), "score_kernel")
        self.bias = None
        if self.normalize:
            start = initializers.Constant(1 / math.sqrt(self.units))
            self.gain = self.add_weight(shape=(), initializer=start, name="gain")
        if self.normalize or self.always_bias:
            self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def _kernel(self, shape, name):
        return self.add_weight(shape=shape, initializer=self.kernel_initializer, name=name)

    def project_memory(self, memory, memory_mask=None):
        """The memory as values, and `h_j U + b` as `"keys"` `[batch, memory_time, units]`."""
        projected = super().project_memory(memory, memory_mask)
        keys = ops.matmul(projected["values"], self.computed(self.memory_kernel))
        return {**projected, "keys": keys if self.bias is None else ops.add(keys, self.computed(self.bias))}

    def normalized_score_kernel(self):
        """`v`, or `g v / |v|`, in the compute dtype."""
        if not self.normalize:
            return self.computed(self.score_kernel)
        kernel = ops.cast(self.score_kernel, self.wide_dtype)
        length = ops.sqrt(ops.maximum(ops.sum(ops.square(kernel)), 1e-12))
        return ops.cast(ops.cast(self.gain, self.wide_dtype) * kernel / length, self.compute_dtype)

    def scores(self, query, projected):
        """Scores `[batch, time, memory_time]` of queries `[batch, time, features]`."""
        query = ops.matmul(query, self.computed(self.query_kernel))
        return additive_scores(query, projected["keys"], self.normalized_score_kernel())

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {
            **super().get_config(),
            "units": self.units,
            "normalize": self.normalize,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
        }
