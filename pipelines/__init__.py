"""From records to batches: tf.data pipelines."""
