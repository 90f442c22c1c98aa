"""From the states of an encoder to those of a decoder."""

import keras
from keras import layers, ops


class Bridge(keras.layers.Layer):
    """The states that a decoder starts from, made of those that an encoder ended in.

        s_0 = s                                where `copy` is asked for and all sizes are the same
        s_0 = tanh([s_1; s_2; ...] W + b)      otherwise, as in Cho et al. (2014) and Bahdanau et al. (2015)

    Args:
        sizes: List of the sizes of the decoder's states, None for a state that keeps the start of its own cell.
        whole_sizes: List of the sizes of all its states: what can be copied.
        copy: Whether states of the same sizes are handed on as they are.
        **kwargs: The arguments of a layer.

    Call arguments:
        vectors: List of tensors `[batch, size]`.

    Returns:
        List with a tensor `[batch, size]`, or None, for each of the decoder's states.
    """

    def __init__(self, sizes, whole_sizes, copy=True, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.sizes = list(sizes)
        self.whole_sizes = list(whole_sizes)
        self.copy = copy

    def build(self, vectors_shape):
        """Create the weights for vectors of these shapes, if there are to be any."""
        given = [shape[-1] for shape in vectors_shape]
        self.copies = self.copy and given == self.whole_sizes
        self.mapped = [size for size in self.sizes if size is not None]
        if not self.copies:
            if not self.mapped:
                raise ValueError(
                    "No state of the decoder's cells can be made of others: use states of the same sizes, or another "
                    f"`use` of the context. Received: states of sizes {given} for states of sizes {self.whole_sizes}"
                )
            self.dense = layers.Dense(sum(self.mapped), "tanh", dtype=self.dtype_policy, name="dense")
            self.dense.build((None, sum(given)))
        self.built = True

    def call(self, vectors):
        """Copy or map."""
        if self.copies:
            return list(vectors)
        vectors = [ops.cast(vector, self.compute_dtype) for vector in vectors]
        mapped = self.dense(vectors[0] if len(vectors) == 1 else ops.concatenate(vectors, axis=-1))
        places = [sum(self.mapped[:count]) for count in range(1, len(self.mapped))]
        parts = iter(ops.split(mapped, places, axis=-1) if places else [mapped])
        return [None if size is None else next(parts) for size in self.sizes]
