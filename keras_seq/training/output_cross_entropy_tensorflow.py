"""The cross entropy of an output layer with a gradient derived by hand."""

import tensorflow as tf


def weighted_entropy(kernel, bias, features, labels, weights, smoothing):
    """The sum over the tokens of weight times cross entropy, float32; see `output_cross_entropy`.

    With the smoothing s, the size V of the vocabulary and the normaliser `Z = sum over k of exp(logit_k)`:

        entropy = log Z - (1 - s) logit_label - s mean(logits)
        d entropy / d logit_k = exp(logit_k) / Z - (1 - s) [k = label] - s / V

    Of the gradient only the first part differs for every k. The exponentials, kept from the forward pass, are
    multiplied with kernel and features as they are, and a token's `weight / Z` with the much smaller products.
    """
    size = kernel.shape[-1]
    counted = tf.where(tf.reshape(weights, [-1]) > 0)[:, 0]
    weights = tf.gather(tf.reshape(weights, [-1]), counted)
    labels = tf.gather(tf.cast(tf.reshape(labels, [-1]), tf.int32), counted)
    features = tf.gather(tf.reshape(features, [-1, features.shape[-1]]), counted)  # [tokens, features]
    given = [features, kernel] if bias is None else [features, kernel, bias]

    @tf.custom_gradient
    def total(features, kernel, *bias):
        logits = tf.cast(tf.matmul(features, kernel), tf.float32)
        logits = tf.nn.bias_add(logits, bias[0]) if bias else logits
        highest = tf.reduce_max(logits, axis=1, keepdims=True)
        shares = tf.exp(logits - highest)  # [tokens, vocabulary], of their sum
        sums = tf.reduce_sum(shares, axis=1)
        entropy = tf.math.log(sums) + highest[:, 0] - (1 - smoothing) * tf.gather(logits, labels, batch_dims=1)
        if smoothing:
            # The mean of the logits is the product with the mean of the kernel's columns.
            mean = tf.reduce_mean(kernel, axis=1)
            means = tf.cast(tf.linalg.matvec(features, mean), tf.float32)
            entropy -= smoothing * (means + tf.reduce_mean(bias[0]) if bias else means)

        def gradient(upstream):
            dtype = features.dtype
            scale = upstream * weights
            of_shares = (scale / sums)[:, None]
            of_labels, of_means = ((1 - smoothing) * scale)[:, None], (smoothing * scale)[:, None]
            narrow, wide = tf.cast(shares, dtype), tf.cast(features, tf.float32)
            transposed = tf.transpose(kernel)
            d_features = of_shares * tf.cast(tf.matmul(narrow, transposed), tf.float32)
            d_features -= of_labels * tf.cast(tf.gather(transposed, labels), tf.float32)
            d_kernel = tf.cast(tf.matmul(tf.cast(of_shares * wide, dtype), narrow, transpose_a=True), tf.float32)
            d_kernel -= tf.transpose(tf.math.unsorted_segment_sum(of_labels * wide, labels, size))
            if smoothing:
                d_features -= of_means * tf.cast(mean, tf.float32)
                d_kernel -= tf.reduce_sum(of_means * wide, axis=0)[:, None] / size
            found = [tf.cast(d_features, dtype), tf.cast(d_kernel, kernel.dtype)]
            if bias:
                d_bias = tf.linalg.matvec(shares, of_shares[:, 0], transpose_a=True)
                d_bias -= tf.math.unsorted_segment_sum(of_labels[:, 0], labels, size)
                found.append(d_bias - tf.reduce_sum(of_means) / size)
            message = "The gradient of output_cross_entropy has none itself: use cross_entropy of the logits."
            return [tf.raw_ops.PreventGradient(input=each, message=message) for each in found]

        return tf.reduce_sum(weights * entropy), gradient

    return total(*given)
