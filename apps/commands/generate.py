"""`keras-seq predict` of a language model: text that is written while you read it."""

import secrets
import sys
from typing import Any

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
    from apps.serving.writing import write

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
