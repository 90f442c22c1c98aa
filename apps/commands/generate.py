"""`keras-seq predict` of a language model: text that is written while you read it."""

import codecs
import secrets
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from apps.commands.evaluate import find_model
from apps.console import Console, import_tensorflow
from apps.errors import UsageError
from apps.settings import Parser
from apps.task import Task


def add_arguments(parser: Parser, task: Task) -> None:
    """Declare the options."""
    parser.add_argument("text", nargs="*", metavar="PROMPT", help="What to go on from; see also --prompt.")
    parser.add_argument("--prompt", metavar="TEXT", help="What to go on from; `-` reads standard input.")
    sampling = parser.add_argument_group("Sampling")
    sampling.add_argument(
        "--temperature", type=float, metavar="X", help="Below 1 is safer, above 1 wilder, 0 always the most probable."
    )
    sampling.add_argument("--top_k", type=int, metavar="N", help="Draw from the N most probable tokens; 0 from all.")
    sampling.add_argument(
        "--top_p", type=float, metavar="X", help="Draw from the most probable tokens that have this probability."
    )
    sampling.add_argument("--max_tokens", type=int, metavar="N", help="How many tokens to write. (default: 400)")
    sampling.add_argument("--seed", type=int, metavar="N", help="The same seed writes the same text.")
    model = parser.add_argument_group("Model")
    model.add_argument("--model", metavar="NAME[/VERSION]", help=f"The exported model. (default: {task.name})")
    model.add_argument("--models.dir", metavar="DIR", help="The folder of exported models. (default: saved_models)")


def run(arguments: Any, task: Task, console: Console) -> None:
    """Write on."""
    settings = _settings(arguments)
    prompt = _prompt(arguments)
    entry = find_model(arguments, task)
    import_tensorflow()
    from apps.serving import registry

    served = registry.load(entry)
    pieces = write(served, prompt, **settings)
    if console.json_output:
        console.result({"prompt": prompt, "text": prompt + "".join(pieces), **settings})
        return
    sys.stdout.write(prompt)
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
    console.note(f"--seed {settings['seed']} writes this again")


def _settings(arguments: Any) -> dict[str, Any]:
    """The options of sampling, checked."""
    given = {
        "temperature": arguments.get("temperature", 0.8),
        "top_k": arguments.get("top_k", 0),
        "top_p": arguments.get("top_p", 1.0),
        "max_tokens": arguments.get("max_tokens", 400),
        "seed": arguments.get("seed", secrets.randbelow(1_000_000)),
    }
    checks = (
        ("temperature", given["temperature"] >= 0, "at least 0"),
        ("top_k", given["top_k"] >= 0, "at least 0"),
        ("top_p", 0 < given["top_p"] <= 1, "above 0 and at most 1"),
        ("max_tokens", given["max_tokens"] >= 1, "at least 1"),
        ("seed", 0 <= given["seed"] < 2**31, "from 0 to 2147483647"),
    )
    for name, good, expected in checks:
        if not good:
            raise UsageError(f"--{name} must be {expected}. Received: {given[name]}")
    return given


def _prompt(arguments: Any) -> str:
    """The prompt of the words, of --prompt or of standard input."""
    words: list[str] = arguments.get("text") or []
    prompt = arguments.get("prompt")
    if words and prompt is not None:
        raise UsageError("PROMPT and --prompt exclude each other: leave one of them out.")
    if prompt == "-":
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    return " ".join(words) if prompt is None else prompt


def write(
    served: Any, prompt: str, temperature: float, top_k: int, top_p: float, max_tokens: int, seed: int
) -> Iterator[str]:
    """What a served language model writes after a prompt, piece by piece as it is written.

    Args:
        served: A `ServedModel` with the signatures `start` and `step`.
        prompt: The text before.
        temperature: As in the signature `step`, like `top_k`, `top_p` and `seed`.
        max_tokens: How many tokens to write at most.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    known = served.ask("start", text=[prompt])
    written = prompt
    for position in range(max_tokens):
        if "room" in known and known["room"][0] <= 0:  # begin again from what is in sight
            known = served.ask("start", text=[written])
        known = served.ask(
            "step",
            log_probabilities=known["log_probabilities"],
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            position=np.array([position], np.int32),
            **{name: value for name, value in known.items() if name.startswith("state_")},
        )
        if known["ended"][0]:
            break
        piece = decoder.decode(known["text"][0])
        written += piece
        if piece:
            yield piece
    yield decoder.decode(b"", final=True)
