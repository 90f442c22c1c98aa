"""A model of two cells whose gates are known, made of core ops."""

import tensorflow as tf

from apps.cell_gates import described
from apps.serving.export import export_model
from apps.serving.model_card import Card

UNITS = 4


def export_cells_model(directory, name="cells", **metadata):
    """Unit `u` of the LSTM's forget gate is `u / 10` but 1 at brackets; both cells answer 1 after a bracket."""
    texts = [tf.TensorSpec([None], tf.string, name="text")]

    def read(text):
        characters = tf.strings.unicode_split(text, "UTF-8").to_tensor("")
        bracket = tf.cast(tf.equal(characters, "("), tf.float32)
        return characters, bracket, tf.math.cumsum(bracket, axis=1)

    def answer(text):
        characters, _, opened = read(text)
        known = tf.minimum(opened, 1.0)
        return {"characters": characters, "known": tf.stack([tf.stack([known, 1 - known], -1)] * 2, axis=2)}

    def elman(text):
        characters, _, opened = read(text)
        return {"characters": characters, "state": tf.stack([opened, -opened, 0 * opened, 0 * opened], axis=-1)}

    def lstm(text):
        characters, bracket, opened = read(text)
        units = tf.range(UNITS, dtype=tf.float32) / 10
        gate = tf.maximum(bracket[..., None], units)
        memory = tf.stack([0 * opened, 0 * opened, 0 * opened, opened], axis=-1)
        names = ("forget_gate", "input_gate", "output_gate")
        return {"characters": characters, **dict.fromkeys(names, gate), "state": memory, "memory": memory}

    def gradient(length):
        distance = tf.range(tf.cast(length, tf.float32))
        fast, slow = tf.pow(0.5, distance), tf.pow(0.99, distance)
        return {"untrained": tf.stack([fast, fast]), "trained": tf.stack([fast, slow])}

    functions = {"serving_default": answer, "elman": elman, "lstm": lstm}
    signatures = {key: tf.function(call, input_signature=texts, autograph=False) for key, call in functions.items()}
    length = [tf.TensorSpec([], tf.int32, name="length")]
    signatures["gradient"] = tf.function(gradient, input_signature=length, autograph=False)
    described_cells = {
        "cells": described(["elman", "lstm"]),
        "questions": [{"name": "bracket", "title": "Is one open?"}, {"name": "none", "title": "Is none?"}],
        "longest": 200,
    }
    return export_model(
        signatures,
        [],
        name,
        directory,
        metadata={"task": "cells", "labels": [], **described_cells, **metadata},
        card=Card("Two cells."),
        check=False,
    )
