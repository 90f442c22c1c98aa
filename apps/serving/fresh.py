"""Calls a SavedModel in a process that has TensorFlow and nothing else of this project, on the CPU.

Run as a script, `python -P fresh.py FOLDER`, it reads requests from standard input and writes answers to standard
output, both JSON: `[{"signature": name, "texts": [base64, ...]}, ...]` becomes a list of outputs by name, each
`{"shape": [...], "values": [...]}` with strings in base64. `answers` runs it.
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


def answers(directory: Path, requests: Sequence[tuple[str, Sequence[bytes]]]) -> list[dict[str, np.ndarray]]:
    """The outputs of a SavedModel for each (signature, texts), computed in a fresh process.

    Args:
        directory: The version folder.
        requests: Pairs of a signature's name and the batch of texts to call it with.

    Returns:
        For each request its outputs by name, strings as `bytes` in arrays of objects.

    Raises:
        RuntimeError: when the process fails, with the end of what it wrote.
    """
    payload = [
        {"signature": signature, "texts": [base64.b64encode(text).decode("ascii") for text in texts]}
        for signature, texts in requests
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


def _array(value: Mapping[str, Any]) -> np.ndarray:
    """The array of one output of the answer."""
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
        texts = [base64.b64decode(text) for text in request["texts"]]
        batch = tf.constant(texts, dtype=tf.string, shape=[len(texts)])
        outputs = {}
        for name, tensor in module.signatures[request["signature"]](text=batch).items():
            values = tensor.numpy().ravel().tolist()
            if tensor.dtype == tf.string:
                values = [base64.b64encode(value).decode("ascii") for value in values]
            outputs[name] = {"dtype": tensor.dtype.name, "shape": tensor.shape.as_list(), "values": values}
        results.append(outputs)
    print(json.dumps(results))


if __name__ == "__main__":
    _serve(sys.argv[1])
