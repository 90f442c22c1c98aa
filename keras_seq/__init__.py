"""keras-seq: sequence layers and models for Keras 3."""
