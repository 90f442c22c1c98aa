"""Calls a SavedModel in a process that has TensorFlow and nothing else of this project, on the CPU.

Run as a script, `python -P fresh.py FOLDER`, it reads requests from standard input and writes answers to standard
output, both JSON: `[{"signature": name, "inputs": {name: array}}, ...]` becomes a list of outputs by name. An array
is `{"dtype": name, "shape": [...], "values": [...]}`, with strings in base64. `answers` runs it.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

BLOCKED = ("keras", "tf_keras", "keras_seq", "pipelines", "apps", "tensorflow_text")


def answers(directory: Path, requests: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, np.ndarray]]:
    """The outputs of a SavedModel for each (signature, inputs), computed in a fresh process.

    Args:
        directory: The version folder.
        requests: Pairs of a signature's name and its inputs by name: arrays, numbers, or lists of `bytes`.

    Returns:
        For each request its outputs by name, strings as `bytes` in arrays of objects.

    Raises:
        RuntimeError: when the process fails, with the end of what it wrote.
    """
    payload = [
        {"signature": signature, "inputs": {name: _packed(value) for name, value in inputs.items()}}
        for signature, inputs in requests
    ]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.run(
        [sys.executable, "-P", __file__, str(directory)],
        input=json.dumps(payload),
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if process.returncode:
        lines = process.stderr.strip().splitlines() or ["no message"]
        raise RuntimeError(lines[-1])
    return [
        {name: _array(value) for name, value in answer.items()}
        for answer in json.loads(process.stdout.splitlines()[-1])
    ]


def _packed(value: Any) -> dict[str, Any]:
    """An array, a number or a list of `bytes`, for JSON."""
    array = value if isinstance(value, np.ndarray) else _from(value)
    values = array.ravel().tolist()
    if array.dtype == object:
        return {
            "dtype": "string",
            "shape": list(array.shape),
            "values": [base64.b64encode(item).decode("ascii") for item in values],
        }
    return {"dtype": array.dtype.name, "shape": list(array.shape), "values": values}


def _from(value: Any) -> np.ndarray:
    """An array of a number, or of a list."""
    if isinstance(value, bytes) or (isinstance(value, (list, tuple)) and all(isinstance(v, bytes) for v in value)):
        return np.array(value, dtype=object)
    return np.asarray(value)


def _array(value: Mapping[str, Any]) -> np.ndarray:
    """The array that was packed."""
    if value["dtype"] == "string":
        array = np.empty(len(value["values"]), dtype=object)
        array[:] = [base64.b64decode(item) for item in value["values"]]
    else:
        array = np.array(value["values"], dtype=value["dtype"])
    return array.reshape(value["shape"])


def _serve(directory: str) -> None:
    """Answers the requests on standard input."""
    # With these set to None, any attempt to import them fails: the model must do without.
    sys.modules.update(dict.fromkeys(BLOCKED))  # type: ignore[arg-type]
    import tensorflow as tf

    module = tf.saved_model.load(directory)
    results = []
    for request in json.load(sys.stdin):
        signature = module.signatures[request["signature"]]
        types = {name: spec.dtype for name, spec in signature.structured_input_signature[1].items()}
        inputs = {name: _array(value) for name, value in request["inputs"].items()}
        outputs = signature(
            **{
                name: tf.constant(value.ravel().tolist(), types[name], shape=value.shape)
                for name, value in inputs.items()
            }
        )
        results.append({name: _packed(tensor.numpy()) for name, tensor in outputs.items()})
    print(json.dumps(results))


if __name__ == "__main__":
    _serve(sys.argv[1])
