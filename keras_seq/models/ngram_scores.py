"""What the n-grams of a text say about its class: a linear model to stand beside a recurrent one."""

import keras
import numpy as np
from keras import ops

# A hash of 32 bits: multiplied and mixed as in MurmurHash3's last steps (Appleby 2011). Integers wrap on all backends.
_MULTIPLIERS = (-2048144789, -1028477387, 668265263)
_NOWHERE = 2**31 - 1


@keras.saving.register_keras_serializable(package="keras_seq")
class NgramScores(keras.layers.Layer):
    """A weight for each class and known n-gram; n-grams that occur in a text more than once count once.

    Bag-of-n-gram models of which n-grams occur, with weights from Naive Bayes log-count ratios, are hard to beat on
    short and long opinions: Wang and Manning (2012), "Baselines and Bigrams". Such a model knows phrases by heart that
    a recurrent one must have understood, and both together beat each (Mesnil et al. 2015, "Ensemble of Generative
    and Discriminative Techniques for Sentiment Analysis of Movie Reviews").

    The weights are not trained by gradients: fit a linear model to whatever n-grams `keys` finds, and hand its weights
    to `set_ngrams`. Until then every score is 0.

    Args:
        classes: Number of classes.
        size: How many n-grams there is room for, at least 1.
        order: The longest n-grams, in tokens; shorter ones count as well. Defaults to `3`.
        first_token: The lowest id that is part of n-grams; lower ones (padding, unknown words) are in none. At least 1.
            Defaults to `2`.

    Call arguments:
        ids: Integer tensor `[batch, time]`, 0 where a sequence is padded.

    Output shape:
        float32 `[batch, time, classes]`: what each token adds to the scores. The weight of an n-gram is spread evenly
        over the tokens of one of the places where it stands. Summed over time, and with `bias`, the logits of the
        linear model.

    Raises:
        ValueError: if an argument is out of its range.

    Example:

    >>> scores = keras_seq.NgramScores(classes=2, size=1000, order=2)
    >>> scores(np.array([[5, 8, 2, 0], [7, 7, 0, 0]])).shape
    (2, 4, 2)
    """

    def __init__(self, classes, size, order=3, first_token=2, **kwargs):
        # Sums of many small weights: half precision would lose them.
        super().__init__(**{"dtype": "float32", **kwargs})
        for name, value in {"classes": classes, "size": size, "order": order, "first_token": first_token}.items():
            if value < 1:
                raise ValueError(f"Argument `{name}` must be at least 1. Received: {name}={value}")
        self.classes = classes
        self.size = size
        self.order = order
        self.first_token = first_token

    def build(self, ids_shape=None):
        """Create the table: the keys of n-grams in ascending order, and a row of weights for each."""

        def table(name, shape, initializer, dtype):
            return self.add_weight(name=name, shape=shape, initializer=initializer, dtype=dtype, trainable=False)

        nowhere = keras.initializers.Constant(_NOWHERE)
        self.table = table("table", (self.size,), nowhere, "int32")
        self.weights_of_keys = table("weights_of_keys", (self.size, self.classes), "zeros", "float32")
        self.bias = table("bias", (self.classes,), "zeros", "float32")
        self.built = True

    def keys(self, ids):
        """What stands for each n-gram.

        Args:
            ids: Integer tensor `[batch, time]`.

        Returns:
            Two tensors `[batch, order, time]`: at `[:, n - 1, t]` the key of the n-gram of `n` tokens that begins at
            `t` (int32), and whether there is one (boolean).
        """
        ids = ops.cast(ids, "int32")
        time = ops.shape(ids)[1]
        padded = ops.pad(ids, [[0, 0], [0, self.order - 1]])
        keys, there = [], []
        key, known = ops.zeros_like(ids), ops.ones_like(ids, dtype="bool")
        for place in range(self.order):
            token = padded[:, place : place + time]
            key = _mixed((key + token + 1) * _MULTIPLIERS[0])
            known = ops.logical_and(known, token >= self.first_token)
            keys.append(key)
            there.append(known)
        return ops.stack(keys, axis=1), ops.stack(there, axis=1)

    def set_ngrams(self, keys, weights, bias):
        """Take over a linear model.

        Args:
            keys: The keys of at most `size` n-grams, each once: int32 `[ngrams]`, an array.
            weights: Of these n-grams, in the same order: float `[ngrams, classes]`.
            bias: float `[classes]`.

        Raises:
            ValueError: if there are more n-grams than there is room for.
        """
        if len(keys) > self.size:
            raise ValueError(f"There must be at most {self.size} n-grams. Received: {len(keys)} keys")
        if not self.built:
            self.build()
        order = keys.argsort()
        table, rows = np.full(self.size, _NOWHERE, np.int32), np.zeros((self.size, self.classes), np.float32)
        table[: len(keys)], rows[: len(keys)] = keys[order], weights[order]
        self.table.assign(table)
        self.weights_of_keys.assign(rows)
        self.bias.assign(bias)

    def call(self, ids):
        """What each token adds to the scores: ids `[batch, time]` to float32 `[batch, time, classes]`."""
        batch, time = ops.shape(ids)[0], ops.shape(ids)[1]
        keys, there = self.keys(ids)
        keys = ops.reshape(keys, [batch, self.order * time])
        places = ops.minimum(ops.searchsorted(self.table, ops.reshape(keys, [-1])), self.size - 1)
        places = ops.reshape(places, [batch, self.order * time])
        there = ops.reshape(there, [batch, self.order * time])
        found = ops.logical_and(there, ops.equal(ops.take(self.table, places), keys))
        counted = ops.logical_and(found, _once(ops.where(found, places, -1)))
        weights = ops.take(self.weights_of_keys, places, axis=0) * ops.cast(counted, "float32")[..., None]
        weights = ops.reshape(weights, [batch, self.order, time, self.classes])
        return sum(_spread(weights[:, length - 1], length, time) for length in range(1, self.order + 1))

    def compute_output_shape(self, ids_shape):
        """`[batch, time, classes]`."""
        return (*ids_shape, self.classes)

    def get_config(self):
        """Return the arguments that build this layer again."""
        sizes = {"classes": self.classes, "size": self.size, "order": self.order, "first_token": self.first_token}
        return {**super().get_config(), **sizes}


def _mixed(key):
    """The same integers in another order, neighbours far from each other."""
    key = ops.bitwise_xor(key, _shifted(key, 16)) * _MULTIPLIERS[1]
    key = ops.bitwise_xor(key, _shifted(key, 13)) * _MULTIPLIERS[2]
    return ops.bitwise_xor(key, _shifted(key, 16))


def _shifted(key, bits):
    """Shifted to the right with zeros coming in, which int32 does not do by itself."""
    return ops.bitwise_and(ops.right_shift(key, bits), 2 ** (32 - bits) - 1)


def _once(places):
    """True at one of the places where each number stands in its row `[batch, length]`."""
    order = ops.argsort(places, axis=1)
    ordered = ops.take_along_axis(places, order, axis=1)
    new = ops.not_equal(ordered[:, 1:], ordered[:, :-1])
    new = ops.concatenate([ops.ones_like(ordered[:, :1], dtype="bool"), new], axis=1)
    return ops.take_along_axis(new, ops.argsort(order, axis=1), axis=1)


def _spread(weights, length, time):
    """Weights `[batch, time, classes]` of n-grams by where they begin, shared by their `length` tokens."""
    padded = ops.pad(weights / length, [[0, 0], [length - 1, 0], [0, 0]])
    return sum(padded[:, place : place + time] for place in range(length))
