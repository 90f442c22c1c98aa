"""One step of training on TensorFlow."""

import tensorflow as tf


def minimise(model, forward):
    """Update the model's weights once, by the gradient of `forward() -> (loss, further results)`; return both."""
    with tf.GradientTape() as tape:
        loss, further = forward()
        scaled = model.optimizer.scale_loss(loss)
    weights = model.trainable_weights
    model.optimizer.apply(tape.gradient(scaled, weights), weights)
    return loss, further
