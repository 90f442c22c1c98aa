"""What a search over translators changes: spelling, network, attention, batches and optimisation together."""

from apps.tuning.space import Choice, Range

RECURRENT = {"model.kind": ("rnn_attention", "rnn")}
ATTENTIVE = {"model.kind": ("rnn_attention",)}
TRANSFORMER = {"model.kind": ("transformer",)}

SPACE = (
    Choice("text.vocabulary_size", (2_000, 4_000, 8_000)),
    Choice("text.subword_dropout", (0.0, 0.05, 0.1), when={"text.level": ("subword",)}),
    Choice("batch.tokens", (1_024, 2_048, 4_096)),
    Choice("model.kind", ("transformer", "rnn_attention")),
    Choice("model.cell", ("gru", "lstm"), when=RECURRENT),
    Choice("model.units", (64, 128, 256)),
    Choice("model.encoder_layers", (1, 2, 3, 4)),
    Choice("model.decoder_layers", (1, 2, 3, 4)),
    Choice("model.bidirectional", (True, False), when=RECURRENT),
    Choice("model.attention", ("additive", "general", "concat"), when=ATTENTIVE),
    Choice("model.attention_order", ("after", "before"), when=ATTENTIVE),
    Choice("model.heads", (2, 4, 8), when=TRANSFORMER),
    Choice("model.positions", ("sinusoidal", "rotary", "relative"), when=TRANSFORMER),
    Range("model.dropout", 0.0, 0.5),
    Range("training.learning_rate", 3e-4, 1e-2, log=True),
    Choice("training.schedule", ("cosine", "linear")),
    Choice("training.label_smoothing", (0.0, 0.1)),
)
