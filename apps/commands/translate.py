"""`keras-seq predict` of a translator: translations of sentences, of lines, or of a column of a CSV file."""

import gzip
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np

from apps.commands.evaluate import find_model
from apps.console import Console, import_tensorflow
from apps.csv_prediction import predict_csv
from apps.errors import UsageError
from apps.kept_output import check_output, kept_output, origin_of
from apps.runs.atomic import atomic_file
from apps.settings import Parser
from apps.task import Task
from pipelines.progress import counted

BATCH = 64
_CHUNK = 16  # batches that are read at a time, to be sorted by length
_SEARCH = ("beam_width", "length_penalty", "n_best", "max_length")


def add_arguments(parser: Parser, task: Task) -> None:
    """Declare the options."""
    parser.add_argument("text", nargs="*", metavar="TEXT", help="Sentences; without any, the lines of standard input.")
    model = parser.add_argument_group("Model")
    model.add_argument("--model", metavar="NAME[/VERSION]", help=f"The exported model. (default: {task.name})")
    model.add_argument("--models.dir", metavar="DIR", help="The folder of exported models. (default: saved_models)")
    files = parser.add_argument_group("Files")
    files.add_argument("--file", metavar="FILE", help="A file of one sentence a line; .gz is read as well.")
    files.add_argument("--csv", metavar="FILE", help="A CSV file whose first line names the columns.")
    files.add_argument("--output", metavar="FILE", help="Where the translations go; standard output if left out.")
    files.add_argument("--overwrite", action="store_true", help="Replace the file of --output if there is one.")
    files.add_argument("--resume", action="store_true", help="Go on with the --output of an interrupted prediction.")
    files.add_argument("--text_column", metavar="NAME", help="Column of a CSV file; guessed if left out.")
    files.add_argument(
        "--delimiter", metavar="CHARACTER", help="What parts the columns. (default: ',' or, in .tsv, tab)"
    )
    search = parser.add_argument_group("Search")
    search.add_argument(
        "--beam_width", type=int, metavar="N", help="Sequences that are kept; 1 is greedy, 10 the most."
    )
    search.add_argument("--length_penalty", type=float, metavar="X", help="How much longer translations are preferred.")
    search.add_argument("--n_best", type=int, metavar="N", help="How many translations of each sentence. (default: 1)")
    search.add_argument("--max_length", type=int, metavar="N", help="Tokens of a translation at most.")
    search.add_argument(
        "--alignments", action="store_true", help="Write JSON lines, with tokens and where the decoder looked."
    )
    parser.add_argument("--batch_size", type=int, metavar="N", help=f"Sentences at a time. (default: {BATCH})")


def run(arguments: Any, task: Task, console: Console) -> None:
    """Translate."""
    texts: list[str] = arguments.get("text") or []
    size = arguments.get("batch_size", BATCH)
    if size < 1:
        raise UsageError(f"--batch_size must be at least 1. Received: {size}")
    _check(arguments, texts)
    entry = find_model(arguments, task)
    import_tensorflow()
    from apps.serving import registry

    served = registry.load(entry)
    model = f"{entry.key} {entry.fingerprint()}"
    if arguments.get("csv"):
        predict_csv(
            lambda batch: [{"translation": _text(one)} for one in served.call("serving_default", batch)["translation"]],
            Path(arguments["csv"]),
            Path(arguments["output"]) if arguments.get("output") else None,
            text_column=arguments.get("text_column"),
            delimiter=arguments.get("delimiter"),
            batch_size=size,
            model=model,
            resume=bool(arguments.get("resume")),
            console=console,
        )
        return
    search = _search(arguments, entry, console)
    as_json = console.json_output or bool(arguments.get("alignments"))
    with ExitStack() as stack:
        lines = _sentences(texts, arguments, stack)
        typed = not texts and not arguments.get("file") and sys.stdin.isatty()
        if typed:
            console.note("one sentence a line; Ctrl-D ends")
        if arguments.get("output"):
            stack.enter_context(console.working())
            lines = counted(lines, "translating", "sentences")
        done, write, reach = _writing(arguments, {**(search or {}), "json": as_json}, model, stack, console)
        lines = iter(lines)
        for _ in islice(lines, done):
            pass
        for sentences in _chunks(lines, 1 if typed else size * _CHUNK):
            for sentence, answer in zip(sentences, _translated(served, sentences, search, size), strict=True):
                write(_line(sentence, answer, as_json, bool(arguments.get("alignments"))))
            done += len(sentences)
            reach(done)


def _check(arguments: Any, texts: list[str]) -> None:
    """Refuse before TensorFlow is loaded what cannot work."""
    given = [name for name in ("file", "csv") if arguments.get(name)]
    if len(given) + bool(texts) > 1:
        raise UsageError("TEXT, --file and --csv exclude each other: leave all but one of them out.")
    for name in given:
        if not Path(arguments[name]).is_file():
            raise UsageError(f"There is no file {arguments[name]}: check the path of --{name}.")
    for name in ("text_column", "delimiter"):
        if arguments.get(name) and not arguments.get("csv"):
            raise UsageError(f"--{name} belongs to --csv: give --csv as well.")
    for name in (*_SEARCH, "alignments"):
        if arguments.get(name) and arguments.get("csv"):
            raise UsageError(f"--{name} does not go with --csv: give the sentences with --file.")
    check_output(arguments, [Path(arguments[name]) for name in given])


def _search(arguments: Any, entry: Any, console: Console) -> dict[str, Any] | None:
    """The inputs of the signature `translate` beside the text; None where `serving_default` tells enough."""
    named = any(arguments.get(name) is not None for name in _SEARCH)
    if not named and not arguments.get("alignments") and not console.json_output:
        return None
    decoding = entry.metadata.get("config", {}).get("decoding", {})
    search = {
        "beam_width": arguments.get("beam_width", decoding.get("beam_width", 5)),
        "length_penalty": arguments.get("length_penalty", decoding.get("length_penalty", 0.6)),
        "n_best": arguments.get("n_best", 1),
        "max_length": arguments.get("max_length", 0),
    }
    for name, low, high in (
        ("beam_width", 1, 10),
        ("n_best", 1, 10),
        ("length_penalty", 0, None),
        ("max_length", 0, 512),
    ):
        if search[name] < low or (high is not None and search[name] > high):
            wanted = f"at least {low}" if high is None else f"from {low} to {high}"
            raise UsageError(f"--{name} must be {wanted}. Received: {search[name]}")
    search["beam_width"] = max(search["beam_width"], search["n_best"])
    return search


def _sentences(texts: list[str], arguments: Any, stack: ExitStack) -> Iterable[str | bytes]:
    """The sentences: those given, or the lines of a file or of standard input."""
    if texts:
        return texts
    lines: Any = sys.stdin.buffer
    if arguments.get("file"):
        path = arguments["file"]
        with open(path, "rb") as start:
            compressed = start.read(2) == b"\x1f\x8b"
        lines = stack.enter_context(gzip.open(path, "rb") if compressed else open(path, "rb"))  # noqa: SIM115
    return (line.rstrip(b"\r\n") for line in lines)


def _writing(
    arguments: Any, settings: dict[str, Any], model: str, stack: ExitStack, console: Console
) -> tuple[int, Callable[[str], Any], Callable[[int], Any]]:
    """How many sentences are translated already, what writes a line, and what is told how many there are now."""
    output, source = arguments.get("output"), arguments.get("file")
    if not output:
        return 0, lambda line: print(line, flush=True), lambda done: None
    if not source:  # what was typed or piped does not come again
        file: IO[bytes] = stack.enter_context(atomic_file(output))
        return 0, lambda line: file.write(f"{line}\n".encode()), lambda done: None
    settings = {**settings, "alignments": bool(arguments.get("alignments"))}
    origin = origin_of(Path(source), model, settings)
    kept = stack.enter_context(kept_output(Path(output), origin, bool(arguments.get("resume")), console))
    return kept.done, lambda line: kept.file.write(f"{line}\n".encode()), kept.reach


def _chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _translated(served: Any, sentences: list[Any], search: dict[str, Any] | None, size: int) -> list[dict[str, Any]]:
    """What the model says to each sentence, in their order; sentences of like length are asked about together."""
    order = sorted(range(len(sentences)), key=lambda number: len(sentences[number]))
    answers: list[dict[str, Any]] = [{}] * len(sentences)
    for rows in _chunks(order, size):
        texts = [sentences[row] for row in rows]
        if search is None:
            outputs = served.ask("serving_default", text=texts)
        else:
            outputs = served.ask("translate", text=texts, **search)
        for place, row in enumerate(rows):
            answers[row] = {name: values[place] for name, values in outputs.items()}
    return answers


def _line(sentence: str | bytes, answer: dict[str, Any], as_json: bool, alignments: bool) -> str:
    """An answer as a line: the translation, several of them with their scores, or JSON."""
    if "translation" in answer:
        return _one_line(_text(answer["translation"]))
    translations = [_text(one) for one in answer["translations"]]
    scores = [float(score) for score in answer["scores"]]
    if not as_json:
        translations = [_one_line(translation) for translation in translations]
        if len(translations) == 1:
            return translations[0]
        return "\n".join(f"{translation}\t{score:.4f}" for translation, score in zip(translations, scores, strict=True))
    source = _tokens(answer["source_tokens"])
    listed = []
    for number, (translation, score) in enumerate(zip(translations, scores, strict=True)):
        one: dict[str, Any] = {"translation": translation, "score": round(score, 6)}
        if alignments:
            one["tokens"] = tokens = _tokens(answer["target_tokens"][number])
            one["alignment"] = np.round(answer["alignment"][number][: len(tokens), : len(source)], 4).tolist()
        listed.append(one)
    result: dict[str, Any] = {"text": sentence if isinstance(sentence, str) else _text(sentence)}
    if alignments:
        result["tokens"] = source
    return json.dumps({**result, "translations": listed}, ensure_ascii=False)


def _tokens(tokens: np.ndarray) -> list[str]:
    """Tokens of a row without its padding."""
    return [_text(token) for token in tokens if token != b""]


def _one_line(text: str) -> str:
    """Without breaks: line n of the output is the translation of line n, whatever a model writes."""
    return text.replace("\r", " ").replace("\n", " ")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
