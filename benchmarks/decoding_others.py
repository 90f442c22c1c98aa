"""The engines of `decoding.py` that do without TensorFlow: Hugging Face's `generate` and CTranslate2.

Reads lines `[engine, width, batch]` and answers each with the tokens, or with what is missing.
"""

import contextlib
import json
import os
import sys
import tempfile

import numpy as np
from decoding import END, HEADS, LAYERS, LENGTH, SIZE, START, VOCABULARY, source


def hugging_face():
    """A BART of the same sizes with random weights."""
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    torch.manual_seed(0)
    config = transformers.BartConfig(
        vocab_size=VOCABULARY,
        d_model=SIZE,
        encoder_layers=LAYERS,
        decoder_layers=LAYERS,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=4 * SIZE,
        decoder_ffn_dim=4 * SIZE,
        max_position_embeddings=LENGTH + 1,
        pad_token_id=0,
        bos_token_id=START,
        eos_token_id=END,
        decoder_start_token_id=START,
        forced_eos_token_id=None,
    )
    model = transformers.BartForConditionalGeneration(config).eval()

    def run(width, batch):
        ids = torch.tensor(source(batch), dtype=torch.long)
        with torch.inference_mode():
            tokens = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                num_beams=width,
                do_sample=False,
                min_new_tokens=LENGTH,
                max_new_tokens=LENGTH,
            )
        return tokens[:, 1:].numpy()

    return run


def ctranslate2_engine(weights):
    """The Transformer of the benchmark, converted."""
    import ctranslate2
    from ctranslate2.specs import TransformerSpec

    spec = TransformerSpec.from_config(LAYERS, HEADS, pre_norm=True)
    embeddings = weights["decoder/embedding/embeddings"]
    spec.encoder.embeddings[0].weight = spec.decoder.embeddings.weight = spec.decoder.projection.weight = embeddings
    for side in ("encoder", "decoder"):
        part = getattr(spec, side)
        part.position_encodings.encodings = sinusoids(LENGTH + 1, SIZE)
        set_norm(part.layer_norm, weights, f"{side}/norm")
        for depth in range(LAYERS):
            set_layer(part.layer[depth], weights, f"{side}/layer_{depth}")
    names = ["<blank>", "<unk>", "<s>", "</s>", *(str(i) for i in range(END + 1, VOCABULARY))]
    spec.register_source_vocabulary(names)
    spec.register_target_vocabulary(names)
    spec.validate()
    folder = tempfile.mkdtemp()
    spec.save(folder)
    translator = ctranslate2.Translator(folder, device="cpu", compute_type="float32", intra_threads=os.cpu_count())

    def run(width, batch):
        tokens = [[names[i] for i in row] for row in source(batch)]
        results = translator.translate_batch(
            tokens, beam_size=width, min_decoding_length=LENGTH, max_decoding_length=LENGTH, length_penalty=0
        )
        places = {name: place for place, name in enumerate(names)}
        return np.array([[places[token] for token in result.hypotheses[0]] for result in results])

    return run


def set_layer(layer, weights, path):
    set_norm(layer.self_attention.layer_norm, weights, f"{path}/self_connection/norm")
    attention, own = layer.self_attention, f"{path}/self_attention"
    set_linear(attention.linear[0], *joined(weights, own, ("query", "key", "value")))
    set_linear(attention.linear[1], *joined(weights, own, ("output",)))
    if f"{path}/cross_attention/query_kernel" in weights:
        attention, own = layer.attention, f"{path}/cross_attention"
        set_norm(attention.layer_norm, weights, f"{path}/cross_connection/norm")
        set_linear(attention.linear[0], *joined(weights, own, ("query",)))
        set_linear(attention.linear[1], *joined(weights, own, ("key", "value")))
        set_linear(attention.linear[2], *joined(weights, own, ("output",)))
    set_norm(layer.ffn.layer_norm, weights, f"{path}/feed_forward_connection/norm")
    for linear, name in ((layer.ffn.linear_0, "hidden"), (layer.ffn.linear_1, "outer")):
        set_linear(linear, weights[f"{path}/feed_forward/{name}/kernel"], weights[f"{path}/feed_forward/{name}/bias"])


def joined(weights, path, names):
    """The kernels and biases of projections, beside each other."""
    parts = [[weights[f"{path}/{name}_{what}"] for name in names] for what in ("kernel", "bias")]
    return [np.concatenate(part, axis=-1) for part in parts]


def set_linear(linear, kernel, bias):
    linear.weight, linear.bias = np.ascontiguousarray(kernel.T), bias


def set_norm(norm, weights, path):
    norm.gamma, norm.beta = weights[f"{path}/gamma"], weights[f"{path}/beta"]


def sinusoids(length, size):
    """Sines and cosines in turn, as `keras_seq.SinusoidalPositions`."""
    angles = np.arange(length)[:, None] * 10000.0 ** (-np.arange(0, size, 2) / size)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(length, size).astype("float32")


def main():
    weights = dict(np.load(sys.argv[1]))
    make = {"Hugging Face": hugging_face, "CTranslate2": lambda: ctranslate2_engine(weights)}
    engines, answers = {}, os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        name, width, batch = json.loads(line)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                engines[name] = engines.get(name) or make[name]()
                answer = {"tokens": engines[name](width, batch).tolist()}
        except ImportError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
