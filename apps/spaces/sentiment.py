"""What a search over sentiment models changes: text, network, regularisation and optimisation together."""

from apps.tuning.space import Choice, Range

RECURRENT = {"model.layers": (1, 2)}
STACKED = {"model.layers": (2,)}

SPACE = (
    Choice("text.tokenizer", ("word", "subword")),
    Choice("text.vocabulary_size", (8_000, 16_000, 24_000, 32_000)),
    Choice("text.max_length", (200, 400, 800)),
    Choice("batch.batch_size", (25, 50, 100)),
    Choice("model.embedding_size", (64, 128, 256)),
    Choice("model.layers", (0, 1, 2)),
    Choice("model.cell", ("gru", "lstm"), when=RECURRENT),
    Choice("model.units", (32, 64, 128, 256), when=RECURRENT),
    Choice("model.bidirectional", (True, False), when=RECURRENT),
    Choice("model.segment_length", (25, 50, 100, None), when=RECURRENT),
    Choice("model.pooling", ("mean", "max", "mean_max", "attentive")),
    Range("model.word_dropout", 0.0, 0.4),
    Range("model.embedding_dropout", 0.0, 0.7),
    Range("model.layer_dropout", 0.0, 0.5, when=STACKED),
    Range("model.output_dropout", 0.0, 0.7),
    Choice("model.adversarial_size", (0.0, 0.1, 0.3, 1.0)),
    Range("training.learning_rate", 3e-4, 1e-2, log=True),
    Choice("training.schedule", ("cosine", "linear")),
    Choice("training.average_decay", (0.0, 0.99, 0.998)),
)
