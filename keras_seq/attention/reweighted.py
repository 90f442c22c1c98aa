"""What the attentions share that make weights of their own of another one's scores."""

import keras

from keras_seq.attention.attention import Attention
from keras_seq.attention.content import ContentAttention


class ReweightedAttention(Attention):
    """An attention that takes the scores of a `ContentAttention`, but not its softmax over the whole memory.

    Args:
        scoring: A `ContentAttention`, such as `AdditiveAttention` or `MultiplicativeAttention`.
        **kwargs: The arguments of a layer. The dtype defaults to that of `scoring`.
    """

    def __init__(self, scoring, **kwargs):
        if not isinstance(scoring, ContentAttention) or scoring.state_sizes:
            raise ValueError(
                "Argument `scoring` must be an attention that scores each step by itself, such as `AdditiveAttention` "
                f"or `MultiplicativeAttention`. Received: scoring={scoring!r}"
            )
        kwargs.setdefault("dtype", scoring.dtype_policy)
        super().__init__(**kwargs)
        self.scoring = scoring

    def build(self, query_shape, memory_shape):
        """Build the scores for queries `[batch, features]` and memories `[batch, memory_time, memory_features]`."""
        if not self.scoring.built:
            self.scoring.build(query_shape, memory_shape)
        super().build(query_shape, memory_shape)

    def project_memory(self, memory, memory_mask=None):
        """What the scores need; see `Attention.project_memory`."""
        return self.scoring.project_memory(memory, memory_mask)

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {**super().get_config(), "scoring": keras.saving.serialize_keras_object(self.scoring)}

    @classmethod
    def from_config(cls, config):
        """Build the layer that `get_config` describes."""
        return cls(**{**config, "scoring": keras.saving.deserialize_keras_object(config["scoring"])})
