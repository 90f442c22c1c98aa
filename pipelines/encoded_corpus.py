"""A corpus as ids in a file: encoded once, then read through a memory map, so that any size of it fits."""

import hashlib
import json
import os
import shutil
import tempfile
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pipelines.corpus_survey import SPLITS, CorpusDigest
from pipelines.corpus_vocabulary import group_texts
from pipelines.encoding import apply_in_order
from pipelines.errors import DataError
from pipelines.progress import counted
from pipelines.sources.text_pieces import TextPiece
from pipelines.text import UNKNOWN_ID, Tokenizer

_FORMAT_VERSION = 1
_IDS, _STARTS, _INDEX = "ids.bin", "documents.bin", "index.json"


@dataclass(frozen=True)
class EncodedText:
    """The text of one split as ids.

    Attributes:
        ids: [tokens], of the smallest type that has room for the vocabulary; a memory map.
        starts: int64, rising: where documents begin. 0 is one of them: a split may begin within a document, but
            nothing before it is known.
        characters: Of the text.
        unknown: How many ids are unknown.
    """

    ids: np.ndarray
    starts: np.ndarray
    characters: int
    unknown: int

    @property
    def pairs(self) -> int:
        """How many tokens have a next one, which is to be predicted."""
        return max(0, len(self.ids) - 1)


class EncodedCorpus:
    """All splits of a corpus. A temporary folder lives as long as this object.

    Attributes:
        splits: Name of each split -> its text; all three are there, but may be empty.
    """

    def __init__(self, splits: dict[str, EncodedText], temporary_folder: str | None = None):
        self.splits = splits
        if temporary_folder is not None:
            weakref.finalize(self, shutil.rmtree, temporary_folder, ignore_errors=True)


def encode_corpus(
    pieces: Iterable[tuple[int, TextPiece]], tokenizer: Tokenizer, digest: str, ends: tuple[int, ...], cache: str | None
) -> EncodedCorpus:
    """Encodes a corpus into a folder of its own below `cache`, unless it is there already.

    A folder is written under another name and renamed when it is complete; one whose digests are wrong is written
    anew.

    Args:
        pieces: (number of its split, piece); read only if there is no such folder yet.
        tokenizer: Applied in the graph, exactly as a served model does.
        digest: Of the corpus.
        ends: Of the splits, in characters.
        cache: Folder of encoded corpora; None for a temporary one.

    Raises:
        DataError: The corpus has changed since its digest was taken, or nothing can be written.
    """
    key = hashlib.sha256(json.dumps([_FORMAT_VERSION, digest, _fingerprint(tokenizer), ends]).encode()).hexdigest()
    temporary = None
    try:
        if cache is None:
            temporary = tempfile.mkdtemp(prefix="keras-seq-corpus-")
        folder = Path(cache or temporary or "") / key[:32]
        splits = _open(folder)
        if splits is None:
            folder.parent.mkdir(parents=True, exist_ok=True)
            _write(folder, pieces, tokenizer, digest)
            splits = _open(folder)
        if splits is None:
            raise OSError("what was written is not what can be read")
    except BaseException as error:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        raise DataError(
            f"the encoded corpus cannot be kept in {cache or temporary or tempfile.gettempdir()} "
            f"({error.strerror or error}): give another folder with --data.cache"
        ) from error
    return EncodedCorpus(splits, temporary)


def _open(folder: Path) -> dict[str, EncodedText] | None:
    """The splits in a folder; None if it is not there, or damaged."""
    try:
        index = json.loads((folder / _INDEX).read_text())
        if any(_digest(folder / name) != digest for name, digest in index["digests"].items()):
            return None
        ids = np.memmap(folder / _IDS, index["type"], mode="r")
        starts = np.fromfile(folder / _STARTS, np.int64)
        splits = {}
        for name, (begin, end, characters, unknown) in index["splits"].items():
            inner = starts[(starts > begin) & (starts < end)] - begin
            splits[name] = EncodedText(ids[begin:end], np.concatenate([[0], inner]), characters, unknown)
        return splits
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write(folder: Path, pieces: Iterable[tuple[int, TextPiece]], tokenizer: Tokenizer, digest: str) -> None:
    """Encodes all pieces into the files of a folder."""
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        index = _write_ids(unfinished, pieces, tokenizer, digest)
        index["digests"] = {name: _digest(unfinished / name) for name in (_IDS, _STARTS)}
        with open(unfinished / _INDEX, "w") as file:
            file.write(json.dumps(index, indent=2) + "\n")
            _flush(file)
        os.chmod(unfinished, 0o755)  # mkdtemp makes it private
        if folder.exists():
            shutil.rmtree(folder)
        os.rename(unfinished, folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _write_ids(
    folder: Path, pieces: Iterable[tuple[int, TextPiece]], tokenizer: Tokenizer, digest: str
) -> dict[str, Any]:
    smallest = np.min_scalar_type(len(tokenizer.vocabulary) - 1)
    read = CorpusDigest()
    waiting: deque[tuple[int, bool, int]] = deque()  # split, begins, characters of each piece on its way
    pieces = counted(pieces, "encoding", "characters", size=lambda piece: len(piece[1].text))
    ends, characters, unknown, starts, position = [0] * 3, [0] * 3, [0] * 3, [], 0

    def texts() -> Iterator[str]:
        for split, piece in pieces:
            read.update(piece)
            waiting.append((split, piece.begins, len(piece.text)))
            yield piece.text

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def encode(strings):
        ids = tokenizer.encode(strings)
        return ids.flat_values, ids.row_lengths()

    with open(folder / _IDS, "wb") as file:
        for ids, lengths in apply_in_order(group_texts(texts()), encode):
            file.write(ids.astype(smallest).tobytes())
            parts = np.split(ids == UNKNOWN_ID, np.cumsum(lengths)[:-1])
            for length, is_unknown in zip(lengths.tolist(), parts, strict=True):
                split, begins, size = waiting.popleft()
                if begins:
                    starts.append(position)
                position += length
                ends[split] = position
                characters[split] += size
                unknown[split] += int(is_unknown.sum())
        _flush(file)
    if read.hexdigest() != digest:
        raise DataError("the corpus has changed while it was read: start again")
    with open(folder / _STARTS, "wb") as file:
        file.write(np.array(starts, np.int64).tobytes())
        _flush(file)
    ends = np.maximum.accumulate(ends).tolist()  # a split without text ends where the one before it does
    begins_at = [0, *ends[:-1]]
    return {
        "format": _FORMAT_VERSION,
        "type": smallest.name,
        "splits": dict(zip(SPLITS, zip(begins_at, ends, characters, unknown, strict=True), strict=True)),
    }


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fingerprint(tokenizer: Tokenizer) -> str:
    """SHA-256 of all that decides what the tokenizer makes of a text."""
    description = [tokenizer.kind, tokenizer.settings(), tokenizer.vocabulary]
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()
