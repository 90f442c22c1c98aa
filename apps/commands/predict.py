"""`keras-seq predict TASK`: what an exported model answers; each task has its own way to ask."""

import importlib
from types import ModuleType
from typing import Any

from apps.console import Console
from apps.settings import Parser
from apps.task import Task

SUMMARY = "Ask an exported model: about a sentence, lines of standard input, or a file."
TAKES_TASK = True
USAGE = "[TEXT ...] [--model NAME[/VERSION]] [options]"


def add_arguments(parser: Parser, task: Task) -> None:
    """Declare the options."""
    _predictor(task).add_arguments(parser, task)


def run(arguments: Any, task: Task, console: Console) -> None:
    """Answer."""
    _predictor(task).run(arguments, task, console)


def _predictor(task: Task) -> ModuleType:
    return importlib.import_module(task.predictor)
