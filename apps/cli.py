"""The command `keras-seq`: finds the verb, parses its options, turns every failure into one line and an exit code."""

import errno
import importlib
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from types import ModuleType

from apps.commands import VERBS
from apps.console import Console
from apps.errors import FAILURE, INTERRUPTED, USAGE, UsageError, UserError
from pipelines.errors import DataError

PROGRAM = "keras-seq"
LONGEST_MESSAGE = 500
EXAMPLES = """\
examples:
  keras-seq train sentiment --data.source samples --name first
  keras-seq predict sentiment "A film that I will not forget."
  keras-seq studio
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments; those of the process if left out.

    Returns:
        0 for success, 2 for a mistake on the command line, 130 after an interruption, 1 for every other failure.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    try:
        return _dispatch(arguments)
    except SystemExit as stop:  # --help
        return stop.code if isinstance(stop.code, int) else 0
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; what Python still wants to flush must go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except BaseException as error:
        if debug:
            import traceback

            traceback.print_exc()
        line, code = explain(error)
        Console().error(line)
        return code


def explain(error: BaseException) -> tuple[str, int]:
    """The one line and the exit code for whatever ended the command."""
    if isinstance(error, UserError):
        return str(error), error.exit_code
    if isinstance(error, DataError):
        return str(error), FAILURE
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted.", INTERRUPTED
    text = str(error)
    if isinstance(error, MemoryError) or (type(error).__name__ == "ResourceExhaustedError" and "No space" not in text):
        fix = "use smaller batches (--batch.batch_size; of pairs --batch.tokens, of running text --batch.window too)"
        return f"Out of memory: {fix}.", FAILURE
    if "No space left on device" in text or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
        where = f" (while writing {error.filename})" if isinstance(error, OSError) and error.filename else ""
        return f"The disk is full{where}: free some space and try again. What was complete before is kept.", FAILURE
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{where}", FAILURE
    text = text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]} ..."
    return f"Unexpected {type(error).__name__}: {text or 'no message'} (--debug shows where).", FAILURE


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(overview())
        return 0 if arguments else USAGE
    if arguments[0] == "--version":
        print(f"{PROGRAM} {metadata.version('keras-seq')}")
        return 0
    verb, *rest = arguments
    if verb.startswith("-"):
        raise UsageError(f"The verb comes first: {PROGRAM} VERB [TASK] [options]. Received: {verb!r}")
    if verb not in VERBS:
        from apps.settings import unknown

        raise UsageError(unknown("verb", verb, VERBS, f"{PROGRAM} --help"))
    return _run(verb, rest)


def _run(verb: str, rest: list[str]) -> int:
    from apps.settings import Parser
    from apps.task import TASKS, load_task

    command = _command(verb)
    task = None
    usage = f"{PROGRAM} {verb}"
    if command.TAKES_TASK:
        if not rest or rest[0].startswith("-"):
            if "-h" not in rest and "--help" not in rest:
                raise UsageError(f"{PROGRAM} {verb} needs a task, one of: {', '.join(TASKS)}.")
            print(f"usage: {usage} TASK [options]\n\n{command.SUMMARY}\n\ntasks:\n{_task_lines()}\n")
            print(f"`{usage} TASK --help` shows the options.")
            return 0
        task = load_task(rest.pop(0))
        usage += f" {task.name}"
    parser = Parser(prog=usage, usage=f"{usage} {command.USAGE}", description=command.SUMMARY)
    command.add_arguments(parser, task)
    common = parser.add_argument_group("Output")
    common.add_argument("--json", action="store_true", help="Write the result as JSON.")
    common.add_argument("--quiet", action="store_true", help="No progress and no notes.")
    common.add_argument("--debug", action="store_true", help="Show the traceback of a failure.")
    # Without defaults, so that the command can tell what was given from what was not.
    parsed = parser.parse_args(rest, defaults=False)
    console = Console(json_output=parsed.get("json", False), quiet=parsed.get("quiet", False))
    return command.run(parsed, task, console) or 0


def _command(verb: str) -> ModuleType:
    return importlib.import_module(f"apps.commands.{verb}")


def overview() -> str:
    """What `keras-seq --help` shows."""
    verbs = "\n".join(
        f"  {verb + (' TASK' if _command(verb).TAKES_TASK else ''):<16}{_command(verb).SUMMARY}" for verb in VERBS
    )
    return (
        f"usage: {PROGRAM} VERB [TASK] [options]\n\n"
        "Sequence models for Keras: from a recurrent cell to a served SavedModel.\n\n"
        f"verbs:\n{verbs}\n\ntasks:\n{_task_lines()}\n\n{EXAMPLES}\n"
        f"`{PROGRAM} VERB [TASK] --help` shows the options; `{PROGRAM} --version` the version."
    )


def _task_lines() -> str:
    from apps.task import TASKS, load_task

    return "\n".join(f"  {name:<16}{load_task(name).summary}" for name in TASKS)
