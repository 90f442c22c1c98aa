"""Plain text: one file, or all files of a folder; each file is a document."""

import re
from collections.abc import Sequence
from pathlib import Path

from pipelines.config import DataConfig
from pipelines.corpus_config import CorpusConfig
from pipelines.errors import DataError
from pipelines.sources.records import BadRow
from pipelines.sources.text_files import decode_field, open_text, reading, short_name, undecodable
from pipelines.sources.text_pieces import PIECE_CHARACTERS, Pieces, TextPiece

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def find_text_files(path: str, pattern: str, option: str) -> list[Path]:
    """The files of a folder and its sub-folders whose names match, in the order of their paths.

    Hidden files and folders are left out.

    Raises:
        DataError: There is no such folder, or no such file in it.
    """
    folder = Path(path)
    if not folder.is_dir():
        problem = "is a file, not a folder: give it with --data.file" if folder.is_file() else "does not exist"
        raise DataError(f"the folder {path} {problem}" + ("" if folder.is_file() else f": correct {option}"))
    try:
        found = {file for name in (pattern, f"{pattern}.gz") for file in folder.rglob(name) if file.is_file()}
    except (ValueError, NotImplementedError) as error:
        raise DataError(f"--data.pattern {pattern!r} is no pattern of file names: give one like *.txt") from error
    relative = {file: file.relative_to(folder).parts for file in found}
    files = sorted((file for file in found if not _hidden(relative[file])), key=relative.__getitem__)
    if not files:
        raise DataError(f"the folder {path} holds no files that match {pattern!r}: set --data.pattern")
    return files


def read_documents(files: Sequence[Path], config: CorpusConfig) -> Pieces:
    """The texts of files, in their order.

    Raises:
        DataError: A file cannot be read.
    """
    for file in files:
        yield from read_document(file, config)


def read_document(path: Path, config: CorpusConfig) -> Pieces:
    """The text of a file, and the lines that cannot be decoded; the pieces end where lines do, if these are short.

    Raises:
        DataError: The file cannot be read.
    """
    options = DataConfig(encoding=config.encoding, fallback_encoding=config.fallback_encoding)
    name = short_name(path)
    line, begins = 1, True
    with reading(path), open_text(path, options) as file:
        while text := file.read(PIECE_CHARACTERS):
            text += file.readline(PIECE_CHARACTERS)
            while text.endswith("\r") and (after := file.read(1)):  # its line feed, or the next line
                text += after
            read = line + _count_lines(text)
            for part in _decode(text, f"{name}:", line, options):
                if isinstance(part, BadRow):
                    yield part
                    continue
                if config.line_ends == "unix":
                    part = part.replace("\r\n", "\n").replace("\r", "\n")
                yield TextPiece(part, begins, name)
                begins = False
            line = read


def _decode(text: str, place: str, line: int, options: DataConfig):
    """The text as it is, if all of it was decoded; else its lines one by one, as text or as bad rows."""
    whole = decode_field(text, DataConfig(encoding=options.encoding))
    if whole is not None:
        yield whole
        return
    good = []
    for number, one_line in enumerate(_LINE.findall(text), start=line):
        decoded = decode_field(one_line, options)
        if decoded is None:
            yield BadRow(f"{place}{number}", undecodable(options))
        else:
            good.append(decoded)
    if good:
        yield "".join(good)


def _count_lines(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") for part in parts)
