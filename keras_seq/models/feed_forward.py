"""The position-wise feed-forward network of a Transformer."""

import keras


class FeedForward(keras.layers.Layer):
    """The network that a Transformer applies to each step by itself; Vaswani et al. (2017).

        y = dropout(activation(x W_1 + b_1)) W_2 + b_2

    Args:
        hidden_size: Size of the hidden layer.
        activation: Activation of the hidden layer. Defaults to `"relu"`.
        dropout: Fraction of the hidden layer that is dropped while training. Defaults to `0.0`.
        seed: Optional seed of the dropout.
        **kwargs: The arguments of a layer.
    """

    def __init__(self, hidden_size, activation="relu", dropout=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        policy = self.dtype_policy
        self.hidden_size = hidden_size
        self.hidden = keras.layers.Dense(hidden_size, activation, dtype=policy, name="hidden")
        self.dropout = keras.layers.Dropout(dropout, seed=seed, dtype=policy, name="dropout")

    def build(self, inputs_shape):
        """Create the weights for inputs `[..., features]`."""
        self.outer = keras.layers.Dense(inputs_shape[-1], dtype=self.dtype_policy, name="outer")
        self.hidden.build(inputs_shape)
        self.outer.build((*inputs_shape[:-1], self.hidden_size))
        self.built = True

    def call(self, inputs, training=False):
        """Map inputs `[..., features]` to the same shape."""
        return self.outer(self.dropout(self.hidden(inputs), training=training))
