"""The residual connection around each part of a Transformer."""

import keras

# As PyTorch; Keras' own default is larger than the variance of many an embedding.
EPSILON = 1e-5


class ResidualConnection(keras.layers.Layer):
    """Normalisation, dropout and sum around a part `f` of a Transformer layer.

        y = x + dropout(f(norm(x)))         pre-norm, Xiong et al. (2020)
        y = norm(x + dropout(f(x)))         post-norm, Vaswani et al. (2017)

    `f` is computed between `enter` and `leave`:

        y = connection.leave(x, f(connection.enter(x)), training)

    Args:
        pre_norm: Whether the normalisation comes before the part, not after the sum.
        dropout: Fraction of the features that is dropped while training.
        seed: Optional seed of the dropout.
        **kwargs: The arguments of a layer.
    """

    def __init__(self, pre_norm, dropout=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.pre_norm = pre_norm
        self.norm = keras.layers.LayerNormalization(epsilon=EPSILON, dtype=self.dtype_policy, name="norm")
        self.dropout = keras.layers.Dropout(dropout, seed=seed, dtype=self.dtype_policy, name="dropout")

    def build(self, inputs_shape):
        """Create the weights for inputs `[..., features]`."""
        self.norm.build(inputs_shape)
        self.built = True

    def enter(self, inputs):
        """What the part gets."""
        return self.norm(inputs) if self.pre_norm else inputs

    def leave(self, inputs, outputs, training=False):
        """The sum of the inputs and what the part made of them."""
        outputs = inputs + self.dropout(outputs, training=training)
        return outputs if self.pre_norm else self.norm(outputs)
