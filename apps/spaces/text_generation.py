"""What a search over language models changes: level of the text, network, windows and optimisation together."""

from apps.tuning.space import Choice, Range

LARGE_VOCABULARY = {"text.level": ("word", "subword")}
RECURRENT = {"model.kind": ("recurrent",)}
TRANSFORMER = {"model.kind": ("transformer",)}

SPACE = (
    Choice("text.level", ("character", "subword")),
    Choice("text.vocabulary_size", (1_000, 2_000, 4_000, 8_000), when=LARGE_VOCABULARY),
    Choice("model.kind", ("recurrent", "transformer")),
    Choice("model.cell", ("gru", "lstm", "mgu", "layer_norm_lstm"), when=RECURRENT),
    Choice("model.units", (128, 256, 512)),
    Choice("model.layers", (1, 2, 3)),
    Choice("model.tied_embeddings", (True, False), when=RECURRENT),
    Choice("model.heads", (2, 4, 8), when=TRANSFORMER),
    Choice("model.positions", ("sinusoidal", "rotary", "relative"), when=TRANSFORMER),
    Range("model.dropout", 0.0, 0.6),
    # A Transformer carries no state from window to window, so that streams are of no use to it.
    Choice("batch.cutting", ("windows",), when=TRANSFORMER),
    Choice("batch.batch_size", (16, 32, 64, 128)),
    Choice("batch.window", (32, 64, 128)),
    Range("training.learning_rate", 1e-3, 2e-2, log=True),
    Choice("training.schedule", ("cosine", "linear")),
    Choice("training.weight_decay", (0.0, 0.01, 0.1)),
)
