"""Local attention: a window of the memory."""

import keras
from keras import initializers, ops

from keras_seq.attention.content import steps_mask
from keras_seq.attention.masking import masked_softmax, valid_places
from keras_seq.attention.reweighted import ReweightedAttention
from keras_seq.cells.cell import check_units


@keras.saving.register_keras_serializable(package="keras_seq")
class LocalAttention(ReweightedAttention):
    """The local attention of Luong et al. (2015), "Effective Approaches to Attention-based Neural Machine Translation".

    Only the steps within D of a place `p_t` get a weight. Local-m (`predictive=False`) walks along the memory, one step
    of it a query:

        p_t    = t                                               at most the last valid step
        a_t(s) = softmax over |s - p_t| <= D of score(h_t, m_s)

    Local-p (`predictive=True`) looks where the query says, most of all in the middle of the window:

        p_t    = S sigmoid(v . tanh(h_t W))
        a_t(s) = softmax over |s - p_t| <= D of score(h_t, m_s) * exp(-(s - p_t)^2 / (2 sigma^2)),    sigma = D / 2

    for the query `h_t`, the memory `m` and its number of valid steps `S`; steps are counted from 0, over the valid ones
    alone; `W` = `place_kernel`, `v` = `place_score_kernel`.

    Args:
        scoring: The attention that scores a step, such as `MultiplicativeAttention` or `AdditiveAttention`.
        half_width: Positive integer D. Defaults to `10`.
        predictive: Whether the place is predicted (local-p), not counted (local-m). Defaults to `True`.
        units: Size of the hidden layer that predicts the place. Defaults to the size of the queries.
        kernel_initializer: Initializer of the kernels. Defaults to `"glorot_uniform"`.
        **kwargs: The arguments of a layer. The dtype defaults to that of `scoring`.

    Call arguments:
        query: Tensor `[batch, features]` or `[batch, time, features]`. In local-m its steps take their turns.
        memory: Tensor `[batch, memory_time, memory_features]`.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.

    Returns:
        `(context, weights)`: `[batch, memory_features]` and `[batch, memory_time]`, or `[batch, time, ...]`.

    Example:

    >>> attention = keras_seq.LocalAttention(keras_seq.MultiplicativeAttention("general"), half_width=2)
    >>> context, weights = attention(np.random.random((32, 5, 8)), np.random.random((32, 10, 4)))
    >>> context.shape, weights.shape
    ((32, 5, 4), (32, 5, 10))
    """

    def __init__(
        self, scoring, half_width=10, predictive=True, units=None, kernel_initializer="glorot_uniform", **kwargs
    ):
        super().__init__(scoring, **kwargs)
        if units is not None and not predictive:
            raise ValueError(f"Argument `units` belongs to `predictive=True`. Received: units={units}")
        self.half_width = check_units(half_width, "half_width")
        self.predictive = predictive
        self.units = None if units is None else check_units(units)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.state_sizes = () if predictive else (1,)

    def build(self, query_shape, memory_shape):
        """Create the weights for queries `[batch, features]` and memories `[batch, memory_time, memory_features]`."""
        super().build(query_shape, memory_shape)
        if self.predictive:
            size, units = query_shape[-1], self.units or query_shape[-1]
            self.place_kernel = self.add_weight(
                shape=(size, units), initializer=self.kernel_initializer, name="place_kernel"
            )
            self.place_score_kernel = self.add_weight(
                shape=(units,), initializer=self.kernel_initializer, name="place_score_kernel"
            )

    def project_memory(self, memory, memory_mask=None):
        """What the scores need; `"places"` `[batch, memory_time]`, those of the steps, and their number `"length"`."""
        projected = super().project_memory(memory, memory_mask)
        batch, time = ops.shape(projected["values"])[0], ops.shape(projected["values"])[1]
        if "mask" in projected:
            places = valid_places(projected["mask"])
            length = ops.sum(ops.cast(projected["mask"], "int32"), axis=1, keepdims=True)
        else:
            places = ops.broadcast_to(ops.arange(time, dtype="int32"), (batch, time))
            length = ops.broadcast_to(ops.convert_to_tensor(time, dtype="int32"), (batch, 1))
        wide = {"places": ops.cast(places, self.wide_dtype), "length": ops.cast(length, self.wide_dtype)}
        return {**projected, **wide}

    def initial_alignment(self, projected):
        """In local-m, which query is next: zero."""
        return [] if self.predictive else [ops.zeros_like(projected["length"])]

    def align(self, query, projected, state, training=False, noise=None):
        """The softmax over a window of the memory."""
        if self.predictive:
            hidden = ops.tanh(ops.matmul(query, self.computed(self.place_kernel)))
            score = ops.matmul(hidden, ops.expand_dims(self.computed(self.place_score_kernel), -1))
            length = ops.expand_dims(projected["length"], 1)
            place = length * ops.sigmoid(ops.cast(score, self.wide_dtype))  # [batch, time, 1]
        else:
            (count,) = state
            state = [count + 1]
            place = ops.expand_dims(ops.minimum(count, projected["length"] - 1), 1)
        distance = ops.expand_dims(projected["places"], 1) - place  # [batch, time, memory_time]
        window = ops.abs(distance) <= self.half_width
        mask = steps_mask(projected)
        window = window if mask is None else ops.logical_and(window, mask)
        weights = masked_softmax(self.scoring.scores(query, projected), window)
        if self.predictive:
            weights = weights * ops.exp(-2 * ops.square(distance / self.half_width))
        return weights, state

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {
            **super().get_config(),
            "half_width": self.half_width,
            "predictive": self.predictive,
            "units": self.units,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
        }
