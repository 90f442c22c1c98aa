"""The verbs of `keras-seq`, one module each.

A verb module has `SUMMARY` (one line), `TAKES_TASK` (whether a task follows the verb), `add_arguments(parser, task)`
and `run(arguments, task, console)`, which returns an exit code, or None for success. It imports TensorFlow and Keras
inside functions only, so that help is quick.
"""

VERBS = ("train", "tune", "evaluate", "predict", "export", "cells", "models", "studio", "doctor")
