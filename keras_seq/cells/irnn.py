"""The identity-initialised recurrent network of rectified linear units."""

import keras
from keras import initializers

from keras_seq.cells.elman import ElmanCell


@keras.saving.register_keras_serializable(package="keras_seq")
class IRNNCell(ElmanCell):
    """The IRNN of Le et al. (2015), "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units".

        h_t = relu(x_t W + h_{t-1} U + b),    U = scale * I before training

    with `W` = `kernel`, `U` = `recurrent_kernel`, `b` = `bias`: an Elman network that starts by adding up its inputs,
    so that at first neither states nor gradients vanish with distance. The paper takes a small `scale`, such as 0.01,
    where what is near in time matters most.

    Args:
        units: Positive integer, size of the state and the output.
        scale: What the identity matrix is multiplied with. Defaults to `1.0`.
        activation: Activation function. Defaults to `"relu"`.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        kernel_initializer: Initializer of `kernel`. Defaults to a normal distribution with a standard deviation of
            0.001, as in the paper.
        **kwargs: Arguments of `ElmanCell`, except `recurrent_initializer`.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List with the state `h`, `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.IRNNCell(4))
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 4)
    """

    def __init__(self, units, scale=1.0, activation="relu", use_bias=True, kernel_initializer=None, **kwargs):
        if kernel_initializer is None:
            kernel_initializer = initializers.RandomNormal(stddev=0.001)
        super().__init__(
            units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=initializers.Identity(gain=scale),
            **kwargs,
        )
        self.scale = scale

    def get_config(self):
        """Return the arguments that build this cell again."""
        config = super().get_config()
        del config["recurrent_initializer"]
        return {**config, "scale": self.scale}
