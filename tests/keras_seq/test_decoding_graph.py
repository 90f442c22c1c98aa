"""Decoding in a graph of TensorFlow: any batch, any length, a SavedModel in a process of its own."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from numpy_decoding import Decoder

from keras_seq.decoding import (
    BeamSearch,
    DiverseBeamSearch,
    Greedy,
    MinimumLength,
    NGramBlocking,
    RepetitionPenalty,
    Sampling,
    TopPSampling,
    decode,
)

if keras.backend.backend() != "tensorflow":
    pytest.skip("graphs of TensorFlow", allow_module_level=True)

import tensorflow as tf

END = 2
STRATEGIES = {
    "greedy": Greedy(),
    "sampling": Sampling(sequences=2),
    "top_p": TopPSampling(0.8),
    "beam": BeamSearch(3, length_penalty=0.6, coverage_penalty=0.1, sequences=2),
    "diverse": DiverseBeamSearch(4, groups=2),
}


@pytest.fixture(params=STRATEGIES)
def strategy(request):
    return STRATEGIES[request.param]


def decode_row_of_memory(decoder, strategy, memory, mask, seed, max_length, constrained=True):
    state = {"h": tf.zeros([tf.shape(memory)[0], 3]), "memory": (memory, mask), "nothing": None}
    constraints = [MinimumLength(2), NGramBlocking(2), RepetitionPenalty(1.3)] if constrained else []
    options = {"constraints": constraints, "seed": seed, "memory_mask": mask}
    return decode(decoder.step, state, 1, END, max_length, strategy, **options)


def signature(strategy, decoder, **options):
    """A function whose batch and length are open."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, 3], tf.float32),
            tf.TensorSpec([None, None], tf.bool),
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([], tf.int32),
        ]
    )
    def function(memory, mask, seed, max_length):
        return decode_row_of_memory(decoder, strategy, memory, mask, seed, max_length, **options)._asdict()

    return function


def inputs_of(decoder, rows=slice(None)):
    return tf.constant(decoder.memory[rows], tf.float32), tf.constant(decoder.memory_mask[rows])


def test_open_batch_and_length(strategy, numpy):
    decoder = Decoder(vocabulary=5, batch=5, seed=18, memory_lengths=[4, 3, 2, 1, 4])
    function = signature(strategy, decoder)
    for rows, max_length in ((slice(0, 5), 6), (slice(1, 2), 1), (slice(0, 3), 9), (slice(0, 0), 4)):
        memory, mask = inputs_of(decoder, rows)
        seed, length = tf.constant(7), tf.constant(max_length)
        expected = numpy(decode_row_of_memory(decoder, strategy, memory, mask, 7, max_length))
        got = numpy(function(memory, mask, seed, length))
        for name, value in expected._asdict().items():
            assert got[name].shape == value.shape
            np.testing.assert_allclose(got[name], value, atol=1e-5, rtol=1e-5, err_msg=name)
    assert function.experimental_get_tracing_count() == 1


def test_shapes_are_known_in_the_graph():
    decoder = Decoder(vocabulary=5, batch=2)
    memory, mask = inputs_of(decoder)
    shapes = []

    @tf.function(autograph=False)
    def function():
        decoded = decode_row_of_memory(decoder, STRATEGIES["beam"], memory, mask, 1, 6)
        shapes.append({name: tuple(item.shape) for name, item in decoded._asdict().items()})
        return decoded

    function()
    assert shapes[0]["ids"] == (2, 2, 6)
    assert shapes[0]["alignments"] == (2, 2, 6, 4)
    assert shapes[0]["step_parents"] == (2, 6, 3)


@pytest.mark.parametrize("name", ["greedy", "sampling", "beam", "diverse"])
def test_compiled_by_xla(name, numpy):
    decoder = Decoder(vocabulary=5, batch=3, seed=18)
    memory, mask = inputs_of(decoder)

    def function():
        return decode_row_of_memory(decoder, STRATEGIES[name], memory, mask, 3, 6, constrained=False)

    one, other = numpy(function()), numpy(tf.function(function, autograph=False, jit_compile=True)())
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(one.alignments, other.alignments, atol=1e-5)


def test_the_loop_of_a_graph_ends_early():
    """A step of the graph counts itself."""
    decoder = Decoder(vocabulary=5, batch=2)
    calls = tf.Variable(0)

    def step(tokens, state):
        calls.assign_add(1)
        logits, new, alignment = decoder.step(tokens, {"h": state["h"], "memory": state["memory"], "nothing": None})
        sure = tf.where(tf.range(5) == tf.where(state["count"] < 3, 4, END)[:, None], 0.0, -20.0)
        return logits * 0 + sure, {"h": new["h"], "memory": new["memory"], "count": state["count"] + 1}, alignment

    start = decoder.start()
    state = {"h": start["h"], "memory": start["memory"], "count": tf.zeros([2], tf.int32)}
    for strategy in (Greedy(), Sampling(), BeamSearch(3), BeamSearch(2, length_penalty=0.4)):
        calls.assign(0)
        function = tf.function(lambda strategy=strategy: decode(step, state, 1, END, 50, strategy, seed=0))
        assert int(function().steps) == int(calls) == 4


def test_the_graph_is_traced_without_python_and_holds_one_loop():
    """One loop over the steps; what searches beams traces its way back in another, short one."""
    decoder = Decoder(vocabulary=5, batch=2)
    memory, mask = inputs_of(decoder)
    for name, loops in (("greedy", 1), ("beam", 2)):
        graph = (
            tf.function(lambda name=name: decode_row_of_memory(decoder, STRATEGIES[name], memory, mask, 1, 6))
            .get_concrete_function()
            .graph
        )
        definition = graph.as_graph_def()
        kinds = [node.op for node in definition.node]
        kinds += [node.op for function in definition.library.function for node in function.node_def]
        assert sum(kind in ("While", "StatelessWhile") for kind in kinds) == loops
        assert not {"PyFunc", "EagerPyFunc"} & set(kinds)


LOADING = """
import sys
import numpy as np
import tensorflow as tf

module = tf.saved_model.load(sys.argv[1])
inputs = np.load(sys.argv[2])
results = {}
for name in ("top_p", "beam"):
    decoded = getattr(module, name)(
        tf.constant(inputs["memory"]), tf.constant(inputs["mask"]), tf.constant(7), tf.constant(6)
    )
    results.update({f"{name}/{key}": value.numpy() for key, value in decoded.items()})
assert "keras_seq" not in sys.modules
np.savez(sys.argv[3], **results)
"""


def test_a_saved_model_in_a_fresh_process(tmp_path, numpy):
    decoder = Decoder(vocabulary=5, batch=3, seed=18, memory_lengths=[4, 3, 2])
    memory, mask = inputs_of(decoder)
    module = tf.Module()
    served = {name: STRATEGIES[name] for name in ("top_p", "beam")}
    for name, strategy in served.items():
        setattr(module, name, signature(strategy, decoder))
    tf.saved_model.save(module, str(tmp_path / "model"))
    np.savez(tmp_path / "inputs.npz", memory=memory.numpy(), mask=mask.numpy())
    arguments = [str(tmp_path / name) for name in ("model", "inputs.npz", "outputs.npz")]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", LOADING, *arguments], check=True, env=environment, timeout=300)
    with np.load(tmp_path / "outputs.npz") as outputs:
        for name, strategy in served.items():
            expected = numpy(decode_row_of_memory(decoder, strategy, memory, mask, 7, 6))
            for key, value in expected._asdict().items():
                np.testing.assert_allclose(
                    outputs[f"{name}/{key}"], value, atol=1e-5, rtol=1e-5, err_msg=f"{name} {key}"
                )
