"""How many tokens a second does `keras_seq.decode` give, beside others?

Encoder-decoders of 5 million random weights read 20 tokens and write exactly 50; a beam counts the tokens of its best
sequence. Engines:

    keras-seq         `EncoderDecoder.decoding_function`: a TensorFlow graph
    keras-seq, XLA    the same with `jit_compile=True`: compiled anew for every shape of the source
    predict loop      a loop in Python that calls `model.predict` with all tokens so far, for each token (one of them)
    KerasHub sampler  its loop, compiled in the same way, over the step function of the same model
    KerasHub BART     `BartSeq2SeqLM.generate`, a Transformer of the same sizes
    Hugging Face      `BartForConditionalGeneration.generate` on PyTorch, a Transformer of the same sizes
    CTranslate2       the same Transformer: the same weights, converted; it must give the same tokens

Every round measures all engines in turn; the medians are printed. What is not installed is said.

    python benchmarks/decoding.py
    python benchmarks/decoding.py --models transformer --batches 1 16 --rounds 5
    LENGTH=400 python benchmarks/decoding.py --batches 16 --engines keras-seq    # more tokens than 50
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

VOCABULARY, SIZE, LAYERS, HEADS = 5000, 256, 2, 4
SOURCE_LENGTH, START, END = 20, 2, 3
LENGTH = int(os.environ.get("LENGTH", "50"))  # tokens to write, in both processes
PREDICTED = 1  # tokens of the loop over `predict`; all of them cost the same
WIDTHS = {"greedy": 1, "beam 4": 4}


def source(batch):
    """Ids `[batch, SOURCE_LENGTH]` without padding."""
    return np.random.default_rng(0).integers(END + 1, VOCABULARY, (batch, SOURCE_LENGTH)).astype("int32")


def make_model(kind):
    """An `EncoderDecoder` with random weights, biases too."""
    import keras_seq

    if kind == "transformer":
        encoder = keras_seq.TransformerEncoder(LAYERS, HEADS)
        decoder = keras_seq.TransformerDecoder(VOCABULARY, SIZE, LAYERS, HEADS)
    else:
        encoder = keras_seq.Bidirectional(keras_seq.Recurrent(keras_seq.GRUCell(SIZE)))
        attention = keras_seq.AdditiveAttention(SIZE)
        decoder = keras_seq.RecurrentDecoder(
            VOCABULARY, keras_seq.GRUCell(SIZE), attention=attention, use="both", tied_embeddings=False
        )
    model = keras_seq.EncoderDecoder(
        VOCABULARY, encoder, decoder, shared_embedding=True, start_token=START, end_token=END
    )
    model.build()
    rng = np.random.default_rng(1)
    model.set_weights(
        [w + rng.normal(size=w.shape, scale=0.05) if w.dtype == "float32" else w for w in model.get_weights()]
    )
    return model


def keras_seq_engine(model, kind, width, batch, jit_compile=False):
    from keras_seq.decoding import BeamSearch, Greedy, MinimumLength

    strategy, constraints = BeamSearch(width) if width > 1 else Greedy(), [MinimumLength(LENGTH)]
    function = model.decoding_function(strategy, LENGTH, constraints, jit_compile, keep_alignments=False)
    ids = source(batch)
    return lambda: np.asarray(function(ids).ids)[:, 0]


def keras_seq_xla_engine(model, kind, width, batch):
    return keras_seq_engine(model, kind, width, batch, jit_compile=True)


def predict_loop_engine(model, kind, width, batch):
    """A greedy or beam search in NumPy around `predict`."""
    ids = np.repeat(source(batch), width, axis=0)

    def run():
        rows = np.arange(batch)[:, None]
        tokens = np.zeros((batch, width, LENGTH), "int32")
        tokens[:, :, 0] = START
        scores = np.where(np.arange(width) == 0, 0.0, -np.inf) * np.ones((batch, 1))
        for t in range(PREDICTED):
            inputs = tokens.reshape(batch * width, LENGTH)
            logits = model.predict((ids, inputs), verbose=0, batch_size=batch * width)[:, t]
            logits[:, END] = -np.inf
            normaliser = np.log(np.exp(logits).sum(axis=-1, keepdims=True))
            totals = (scores[:, :, None] + (logits - normaliser).reshape(batch, width, -1)).reshape(batch, -1)
            best = np.argpartition(-totals, width - 1, axis=1)[:, :width]
            scores, parents, chosen = totals[rows, best], best // VOCABULARY, best % VOCABULARY
            tokens = tokens[rows, parents]
            tokens[:, :, t + 1] = chosen
        return tokens[np.arange(batch), scores.argmax(axis=1), 1 : PREDICTED + 1]

    return run


def keras_hub_sampler_engine(model, kind, width, batch):
    """The loop of KerasHub over our step function; its state is what KerasHub calls a cache."""
    import keras_hub
    import tensorflow as tf

    from keras_seq.decoding.rows import DecoderState

    sampler = keras_hub.samplers.BeamSampler(width) if width > 1 else keras_hub.samplers.GreedySampler()

    @tf.function(autograph=False)
    def decode(ids):
        memory, mask = model.encode(ids)
        state = DecoderState(model.decoder.start(memory, mask, max_length=LENGTH), 1)
        step = model.decoder.stepper()
        never_end = tf.one_hot(END, VOCABULARY) * -1e9

        def next_logits(prompt, cache, index):
            logits, new, _ = step(prompt[:, index - 1], state.pack(list(cache)))
            return logits + never_end, None, tuple(state.unpack(new))

        prompt = tf.fill((tf.shape(ids)[0], LENGTH + 1), START)
        mask = tf.broadcast_to(tf.range(LENGTH + 1) == 0, tf.shape(prompt))
        return sampler(next=next_logits, prompt=prompt, cache=tuple(state.initial), index=1, mask=mask)

    ids = tf.constant(source(batch))
    return lambda: decode(ids).numpy()[:, 1:]


def keras_hub_bart_engine(model, kind, width, batch):
    import keras_hub

    if kind != "transformer":
        raise ImportError("has Transformers alone")
    backbone = keras_hub.models.BartBackbone(
        VOCABULARY, LAYERS, HEADS, SIZE, 4 * SIZE, dropout=0.0, max_sequence_length=LENGTH + 1
    )
    language_model = keras_hub.models.BartSeq2SeqLM(backbone)
    language_model.compile(sampler=keras_hub.samplers.BeamSampler(width) if width > 1 else "greedy")
    ids, tokens = source(batch), np.full((batch, LENGTH + 1), START, "int32")
    given = np.broadcast_to(np.arange(LENGTH + 1) == 0, tokens.shape)
    inputs = {
        "encoder_token_ids": ids,
        "encoder_padding_mask": np.ones_like(ids),
        "decoder_token_ids": tokens,
        "decoder_padding_mask": given.astype("int32"),
    }
    return lambda: np.asarray(language_model.generate(inputs, stop_token_ids=None)["decoder_token_ids"])[:, 1:]


ENGINES = {
    "keras-seq": keras_seq_engine,
    "keras-seq, XLA": keras_seq_xla_engine,
    "predict loop": predict_loop_engine,
    "KerasHub sampler": keras_hub_sampler_engine,
    "KerasHub BART": keras_hub_bart_engine,
}
OTHERS = ("Hugging Face", "CTranslate2")


class OtherProcess:
    """The engines that do without TensorFlow, in a process of their own; see `decoding_others.py`."""

    def __init__(self, model, python):
        self.folder = tempfile.TemporaryDirectory()
        weights = Path(self.folder.name) / "weights.npz"
        save_weights(model, weights)
        script = Path(__file__).with_name("decoding_others.py")
        self.process = subprocess.Popen(
            [python, script, weights], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, *question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise ImportError(answer["error"])
        return answer

    def engine(self, name, width, batch):
        return lambda: np.array(self.ask(name, width, batch)["tokens"], "int32")


def save_weights(model, file):
    """The weights of the Transformer by their paths, as `encoder/layer_0/self_attention/query_kernel`."""
    arrays = {}
    for layer, name in ((model.encoder, "encoder"), (model.decoder, "decoder")):
        for weight in layer.weights:
            arrays[name + "/" + weight.path.split(f"{layer.name}/")[-1]] = np.asarray(weight)
    np.savez(file, **arrays)


def measure(engines, rounds):
    """Tokens a second of each engine: the median over the rounds, all engines in turn in each."""
    figures = {name: [] for name in engines}
    for _ in range(rounds):
        for name, run in engines.items():
            start = time.perf_counter()
            tokens = run()
            figures[name].append(tokens.size / (time.perf_counter() - start))
    return {name: statistics.median(speeds) for name, speeds in figures.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=["rnn", "transformer"], default=["rnn", "transformer"])
    parser.add_argument("--strategies", nargs="+", choices=list(WIDTHS), default=list(WIDTHS))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 16, 64])
    parser.add_argument("--engines", nargs="+", choices=[*ENGINES, *OTHERS], default=[*ENGINES, *OTHERS])
    parser.add_argument("--python", default=sys.executable, help="the Python that has transformers and ctranslate2")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    cases, absent = {}, {}
    for kind in options.models:
        model = make_model(kind)
        print(f"{kind}: {model.count_params():,} parameters", flush=True)
        others = (
            OtherProcess(model, options.python)
            if kind == "transformer" and set(OTHERS) & set(options.engines)
            else None
        )
        for strategy in options.strategies:
            for batch in options.batches:
                engines, tokens = {}, {}
                for name in options.engines:
                    try:
                        if name in ENGINES:
                            engine = ENGINES[name](model, kind, WIDTHS[strategy], batch)
                        elif others is None:
                            raise ImportError("has Transformers alone")
                        else:
                            engine = others.engine(name, WIDTHS[strategy], batch)
                        tokens[name] = engine()
                        engine()
                        engines[name] = engine
                    except ImportError as error:
                        absent[kind, name] = str(error)
                cases[kind, strategy, batch] = engines
                report_differences(kind, strategy, batch, tokens)
    for (kind, name), reason in absent.items():
        print(f"{kind}: {name} is left out: {reason}")
    print("measuring", flush=True)
    print(f"| tokens/s | {' | '.join(options.engines)} |\n| --- |{' ---: |' * len(options.engines)}")
    for (kind, strategy, batch), engines in cases.items():
        speeds = measure(engines, options.rounds)
        cells = [f"{speeds[name]:,.0f}" if name in speeds else "" for name in options.engines]
        print(f"| {kind}, {strategy}, batch {batch} | {' | '.join(cells)} |", flush=True)


def report_differences(kind, strategy, batch, tokens):
    """Say where an engine with the same weights gives other tokens."""
    for name in ("keras-seq, XLA", "predict loop", "KerasHub sampler", "CTranslate2"):
        if name in tokens and "keras-seq" in tokens:
            ours, theirs = tokens["keras-seq"][:, : tokens[name].shape[1]], tokens[name]
            # The beams of a loop that is cut short may be those that lose later.
            if not (name == "predict loop" and strategy != "greedy") and np.mean(ours == theirs) < 0.999:
                print(f"{kind}, {strategy}, batch {batch}: {name} gives {np.mean(ours == theirs):.1%} of our tokens")


if __name__ == "__main__":
    main()
