"""CSV in, CSV out: every row with a model's answer beside it, a few rows in memory at a time."""

import contextlib
import csv
import io
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from apps.console import Console
from apps.errors import UserError
from apps.kept_output import KeptOutput, kept_output, origin_of

LONGEST_FIELD = 2**31 - 1  # what a C long holds on every platform
NOTE_SECONDS = 10


def predict_csv(
    predict: Callable[[list[bytes]], list[dict[str, Any]]],
    source: Path,
    output: Path | None,
    *,
    text_column: str | None = None,
    delimiter: str | None = None,
    batch_size: int = 64,
    model: str = "",
    resume: bool = False,
    console: Console,
) -> int:
    """Write the rows of a CSV file with the columns of the answers after their own.

    Bytes that are not UTF-8 come out as they went in. A row without a text has empty answers, so that the output has
    as many rows as the input. The file `output` appears when all of it has been written; see `kept_output`.

    Args:
        predict: A batch of texts to a dictionary of columns for each.
        source: The file to read; its first line names the columns.
        output: The file to write; standard output if None.
        text_column: The column of the texts; guessed from the names if None.
        delimiter: What parts the columns; a comma, or in a .tsv file a tab, if None.
        batch_size: Texts at a time.
        model: What tells the model from others, for `resume`.
        resume: Go on with the file of an interrupted prediction.
        console: Told about the progress.

    Returns:
        The number of rows.

    Raises:
        UserError: when the file is empty, has no such column, or is malformed; the line names the place.
    """
    separator = _separator(source, delimiter)
    csv.field_size_limit(LONGEST_FIELD)
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(open(source, encoding="utf-8-sig", errors="surrogateescape", newline=""))
        reader = csv.reader(lines, delimiter=separator)
        rows = _rows(reader, source)
        header = next(rows, None)
        if not header:
            raise UserError(f"{source} is empty: its first line must name the columns.")
        column = _text_column(header, text_column, source)
        kept = None
        if output is not None:
            origin = origin_of(source, model, {"text_column": text_column, "delimiter": separator})
            kept = stack.enter_context(kept_output(output, origin, resume, console))
        text = stack.enter_context(_text_file(kept))
        writer = csv.writer(text, delimiter=separator, lineterminator="\n")
        count = kept.done if kept else 0
        without_text = sum(not _at(row, column).strip() for row in islice(rows, count))
        named = count > 0
        noted = time.monotonic()
        while batch := list(islice(rows, batch_size)):
            texts = [_at(row, column) for row in batch]
            answers = predict([text.encode("utf-8", "surrogateescape") for text in texts])
            names = list(answers[0])
            if not named:
                writer.writerow([*header, *_free_names(names, header)])
                named = True
            for row, asked, answer in zip(batch, texts, answers, strict=True):
                cells = [_cell(answer[name]) for name in names]
                if not asked.strip():
                    without_text += 1
                    cells = [""] * len(names)
                padding = [""] * (len(header) - len(row))
                writer.writerow([*row, *padding, *cells])
            count += len(batch)
            if kept:
                text.flush()
                kept.reach(count)
            if time.monotonic() - noted > NOTE_SECONDS:
                noted = time.monotonic()
                console.note(f"{count:,} rows")
        if not named:  # no rows: the columns of the answers are those for an empty text
            writer.writerow([*header, *_free_names(list(predict([b""])[0]), header)])
    if without_text:
        console.warn(f"{without_text:,} of {count:,} rows have no text; their answers are empty.")
    if output is not None:
        console.note(f"{count:,} rows in {output}")
    return count


def _separator(source: Path, delimiter: str | None) -> str:
    if delimiter is None:
        return "\t" if source.suffix.lower() == ".tsv" else ","
    separator = "\t" if delimiter in (r"\t", "tab") else delimiter
    if len(separator) != 1 or separator in '"\r\n':
        raise UserError(f"--delimiter must be one character, or `tab`. Received: {delimiter!r}")
    return separator


def _rows(reader: Any, source: Path) -> Iterator[list[str]]:
    """The rows that are not blank lines."""
    try:
        for row in reader:
            if row:
                yield row
    except csv.Error as error:
        raise UserError(
            f"{source}, line {reader.line_num}: {error}; correct it, or name another --delimiter."
        ) from None


def _text_column(header: list[str], wanted: str | None, source: Path) -> int:
    from pipelines.sources.columns import TEXT_NAMES

    listed = ", ".join(repr(name) for name in header)
    if wanted is not None:
        if wanted not in header:
            raise UserError(f"{source} has no column {wanted!r}: set --text_column to one of: {listed}")
        return header.index(wanted)
    plain = [name.strip().lower().replace(" ", "_") for name in header]
    for name in TEXT_NAMES:
        if name in plain:
            return plain.index(name)
    if len(header) == 1:
        return 0
    raise UserError(f"{source}: no column is obviously the texts: set --text_column to one of: {listed}")


def _free_names(names: list[str], header: list[str]) -> list[str]:
    """The names of the answers' columns; `predicted_` before those that the file has already."""
    return [f"predicted_{name}" if name in header else name for name in names]


def _cell(value: Any) -> str:
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def _at(row: list[str], column: int) -> str:
    return row[column] if column < len(row) else ""


@contextlib.contextmanager
def _text_file(kept: KeptOutput | None) -> Iterator[io.TextIOWrapper]:
    """The file, or standard output, as text in UTF-8 with the bytes that were none as they came."""
    binary = kept.file if kept else sys.stdout.buffer
    text = io.TextIOWrapper(binary, encoding="utf-8", errors="surrogateescape", newline="")
    try:
        yield text
        text.flush()
    finally:
        text.detach()  # which stays open
