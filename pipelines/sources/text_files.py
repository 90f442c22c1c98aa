"""Opening text files: compressed or not, any encoding, with errors that name file and line."""

import codecs
import gzip
import io
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from pipelines.config import DataConfig
from pipelines.errors import DataError

# UTF-32 first: its little-endian mark starts with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What TextIOWrapper(errors="surrogateescape") makes of bytes that it cannot decode.
_UNDECODED = re.compile("[\udc80-\udcff]")


def existing_file(path: str, option: str) -> Path:
    """The path, checked to be a file."""
    if Path(path).is_dir():
        raise DataError(f"{path} is a folder: {option} needs a file")
    if not Path(path).is_file():
        raise DataError(f"there is no file {path}: correct {option}")
    return Path(path)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Says in one line what went wrong while `path` was read."""
    try:
        yield
    except UnicodeError as error:
        raise DataError(f"{path}: not in the encoding that --data.encoding names ({error})") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: the compressed file is damaged: make or copy it again ({error})") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def open_text(path: Path, config: DataConfig) -> TextIO:
    """Opens a text file, keeping its line ends (as the csv module wants it).

    Bytes that are not valid in the encoding come out as lone surrogates; `decode_field` deals with them.
    """
    binary = _open_binary(path)
    try:
        start = binary.read(4096)
        binary.seek(0)
        encoding, errors = _encoding(path, start, config)
        return io.TextIOWrapper(binary, encoding, errors, newline="")
    except BaseException:
        binary.close()
        raise


def decode_field(text: str, config: DataConfig) -> str | None:
    """The text, in the fallback encoding if it was not valid in the first one; None if it is valid in neither."""
    if not _UNDECODED.search(text):
        return text
    if config.fallback_encoding is None:
        return None
    try:
        return text.encode(config.encoding, "surrogateescape").decode(config.fallback_encoding)
    except (UnicodeError, LookupError):
        return None


def full_lines(path: Path, config: DataConfig) -> Iterator[tuple[str, str]]:
    """The lines of a file that are not blank, each as its place, such as "texts.txt:12", and its text.

    Raises:
        DataError: The file cannot be read, or a line is not valid in its encoding.
    """
    with reading(path), open_text(path, config) as file:
        for number, line in enumerate(file, start=1):
            place = f"{short_name(path)}:{number}"
            text = decode_field(line, config)
            if text is None:
                raise DataError(f"{place}: {undecodable(config)}")
            if text.strip():
                yield place, text.rstrip("\r\n")


def undecodable(config: DataConfig) -> str:
    """The reason to give for a row that `decode_field` refuses."""
    if config.fallback_encoding is not None:
        return f"valid neither in {config.encoding} nor in {config.fallback_encoding}"
    return f"not valid in {config.encoding}: try --data.encoding cp1252 or --data.fallback_encoding cp1252"


def _open_binary(path: Path) -> BinaryIO:
    with open(path, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    # A GzipFile is a BufferedIOBase with all that TextIOWrapper needs.
    return cast(BinaryIO, gzip.open(path, "rb")) if compressed else open(path, "rb")


def _encoding(path: Path, start: bytes, config: DataConfig) -> tuple[str, str]:
    for option, name in (("encoding", config.encoding), ("fallback_encoding", config.fallback_encoding)):
        try:
            codecs.lookup(name or "utf-8")
        except LookupError:
            raise DataError(f"unknown encoding {name!r}: set --data.{option} to one like utf-8 or cp1252") from None
    name = next((name for mark, name in _BYTE_ORDER_MARKS if start.startswith(mark)), None)
    if name is None:
        name = config.encoding
        wide = codecs.lookup(name).name.startswith(("utf-16", "utf-32"))
        if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
            raise DataError(f"{path} is an Excel or ZIP file: save its table as CSV and give that")
        if b"\0" in start and not wide:
            raise DataError(f"{path} is not text, or it is UTF-16: then set --data.encoding utf-16-le (or utf-16-be)")
    # Lone surrogates cannot stand for the code units of UTF-16 and UTF-32: there, wrong ones become U+FFFD.
    wide = codecs.lookup(name).name.startswith(("utf-16", "utf-32"))
    return name, "replace" if wide else "surrogateescape"


def short_name(path: str | os.PathLike) -> str:
    """The path as reports quote it: without the folders of this machine if it lies below the working folder."""
    absolute = Path(path).resolve()
    here = Path.cwd().resolve()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(path)
