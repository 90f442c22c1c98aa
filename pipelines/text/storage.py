"""Tokenizers as plain text: vocabulary.txt and tokenizer.json."""

import hashlib
import json
import os
import tempfile
from pathlib import Path

from pipelines.errors import DataError
from pipelines.text.character import CharacterTokenizer
from pipelines.text.escaping import escape, unescape
from pipelines.text.spaced_subword import SpacedSubwordTokenizer
from pipelines.text.spaced_word import SpacedWordTokenizer
from pipelines.text.subword import SubwordTokenizer
from pipelines.text.tokenizer import Tokenizer
from pipelines.text.word import WordTokenizer

VOCABULARY_FILE, SETTINGS_FILE = "vocabulary.txt", "tokenizer.json"
_FORMAT_VERSION = 1
_KINDS: dict[str, type[Tokenizer]] = {
    kind.kind: kind
    for kind in (WordTokenizer, SubwordTokenizer, CharacterTokenizer, SpacedWordTokenizer, SpacedSubwordTokenizer)
}


def save_tokenizer(tokenizer: Tokenizer, directory: str | os.PathLike, prefix: str = "") -> None:
    """Writes a tokenizer's two files; a reader never sees half of one.

    Args:
        tokenizer: The tokenizer.
        directory: Where to; it is made if it is not there.
        prefix: Of the names of the files, where several tokenizers share a folder.

    Raises:
        DataError: They cannot be written.
    """
    tokens = map(escape, tokenizer.vocabulary) if tokenizer.escaped else tokenizer.vocabulary
    vocabulary = "".join(f"{token}\n" for token in tokens).encode()
    settings = {
        "kind": tokenizer.kind,
        "format": _FORMAT_VERSION,
        **tokenizer.settings(),
        "vocabulary_size": len(tokenizer.vocabulary),
        "vocabulary_sha256": hashlib.sha256(vocabulary).hexdigest(),
    }
    try:
        Path(directory).mkdir(parents=True, exist_ok=True)
        _write(Path(directory) / f"{prefix}{VOCABULARY_FILE}", vocabulary)
        _write(Path(directory) / f"{prefix}{SETTINGS_FILE}", (json.dumps(settings, indent=2) + "\n").encode())
    except OSError as error:
        raise DataError(f"the vocabulary cannot be written to {directory}: {error.strerror or error}") from error


def load_tokenizer(directory: str | os.PathLike, prefix: str = "") -> Tokenizer:
    """The tokenizer that `save` wrote into `directory`.

    Args:
        directory: The folder.
        prefix: Of the names of its files.

    Raises:
        DataError: A file is missing or damaged, or the two do not belong together.
    """
    vocabulary_file, settings_file = (Path(directory) / f"{prefix}{name}" for name in (VOCABULARY_FILE, SETTINGS_FILE))
    try:
        vocabulary_bytes = vocabulary_file.read_bytes()
        settings_bytes = settings_file.read_bytes()
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read ({error.strerror}): train again, or copy it back") from error
    try:
        settings = json.loads(settings_bytes)
        tokenizer_class = _KINDS[settings.pop("kind")]
        if settings.pop("format") != _FORMAT_VERSION:
            raise DataError(f"{settings_file} was written by another version of keras-seq: install that version")
        digest = settings.pop("vocabulary_sha256")
        del settings["vocabulary_size"]
        tokens = vocabulary_bytes.decode().split("\n")[:-1]
        if tokenizer_class.escaped:
            tokens = [unescape(token) for token in tokens]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise DataError(
            f"{settings_file} or {vocabulary_file.name} is damaged: train again, or copy them back"
        ) from error
    if hashlib.sha256(vocabulary_bytes).hexdigest() != digest:
        raise DataError(
            f"{vocabulary_file} is not the vocabulary that {settings_file.name} describes: copy both from one run"
        )
    try:
        return tokenizer_class(tokens, **settings)
    except TypeError as error:
        raise DataError(f"{settings_file} has unknown settings: train again, or copy it back ({error})") from error


def _write(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes it private
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
