"""The exported models on this machine: where they are looked for, and finding, checking and loading them.

Importing this module imports neither TensorFlow nor Keras; `load` imports TensorFlow when it is called.
"""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.errors import UserError
from apps.serving import metadata as metadata_file

if TYPE_CHECKING:
    from apps.serving.served import ServedModel

ENVIRONMENT_VARIABLE = "KERAS_SEQ_MODELS"
FOLDER_NAME = "saved_models"


@dataclass(frozen=True)
class ModelEntry:
    """One version of one exported model.

    Attributes:
        name: The model's name, its folder under the models' folder.
        version: The version, a positive integer.
        path: The version's folder.
        metadata: The contents of its metadata.json.
    """

    name: str
    version: int
    path: Path
    metadata: dict[str, Any] = field(repr=False, hash=False, compare=False)

    @property
    def key(self) -> str:
        """`name/version`, as `find` takes it."""
        return f"{self.name}/{self.version}"

    @property
    def task(self) -> str:
        """The task that the model was trained for."""
        return str(self.metadata["task"])

    @property
    def labels(self) -> list[str]:
        """The names of the classes, in the order of the probabilities; empty for a model without classes."""
        return [str(label) for label in self.metadata.get("labels", [])]

    @property
    def size(self) -> int:
        """The size of the files in bytes."""
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    def fingerprint(self) -> str:
        """A short text that changes when a file of the model is written, for caches of loaded models."""
        parts = []
        for path in sorted(self.path.rglob("*")):
            status = path.stat()
            parts.append(f"{path.relative_to(self.path).as_posix()} {status.st_size} {status.st_mtime_ns}")
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def search_folders(directory: str | os.PathLike[str] | None = None) -> list[Path]:
    """Where models are looked for, first match first.

    A folder that is named, by `directory` or else by the variable KERAS_SEQ_MODELS, is the only one. Without a name
    these are `saved_models` in the working directory and the one beside the installed package.
    """
    named = directory or os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        return [Path(named).expanduser()]
    beside_package = Path(__file__).resolve().parents[2] / FOLDER_NAME
    folders = [Path(FOLDER_NAME)]
    if folders[0].resolve() != beside_package:
        folders.append(beside_package)
    return folders


def _version_folders(model_folder: Path) -> list[tuple[int, Path]]:
    """The version folders of a model, newest first."""
    versions = []
    for path in model_folder.iterdir():
        # "01" and "²" are no version: TF Serving reads plain decimal numbers.
        if path.is_dir() and path.name.isascii() and path.name.isdigit() and str(int(path.name)) == path.name:
            versions.append((int(path.name), path))
    return sorted(versions, reverse=True)


def _scan(directory: str | os.PathLike[str] | None) -> dict[tuple[str, int], tuple[Path, Path]]:
    """All version folders by name and version, each with the folder of models that it was found in.

    A folder that is looked at earlier hides the same model in a later one.
    """
    found: dict[tuple[str, int], tuple[Path, Path]] = {}
    for folder in search_folders(directory):
        if not folder.is_dir():
            continue
        for model_folder in sorted(folder.iterdir()):
            if model_folder.is_dir() and not model_folder.name.startswith("."):
                for version, path in _version_folders(model_folder):
                    found.setdefault((model_folder.name, version), (folder, path))
    return found


def _read(folder: Path, path: Path) -> dict[str, Any]:
    """The metadata of a version folder in a folder of models.

    Raises:
        UserError: when they cannot be read, or anything of the model is a link out of the folder of models.
    """
    root = folder.resolve()
    # The folders above `path` may be links too.
    for item in (path, *(inside for inside in path.rglob("*") if inside.is_symlink())):
        if not item.resolve().is_relative_to(root):
            raise UserError(
                f"{item} is a link out of {folder}, and nothing is read there: copy it, or name its folder with "
                f"--models.dir or {ENVIRONMENT_VARIABLE}."
            )
    return metadata_file.read(path)


def list_models(directory: str | os.PathLike[str] | None = None, task: str | None = None) -> list[ModelEntry]:
    """All readable models, by name, the newest version of each first; those of one task if `task` is given.

    A folder whose metadata cannot be read is left out; `unreadable` names those.
    """
    entries = []
    for (name, version), (folder, path) in _scan(directory).items():
        try:
            entry = ModelEntry(name, version, path, _read(folder, path))
        except UserError:
            continue
        if task is None or entry.task == task:
            entries.append(entry)
    return sorted(entries, key=lambda entry: (entry.name, -entry.version))


def unreadable(directory: str | os.PathLike[str] | None = None) -> list[str]:
    """One line for each version folder whose metadata cannot be read."""
    lines = []
    for folder, path in _scan(directory).values():
        try:
            _read(folder, path)
        except UserError as error:
            lines.append(str(error))
    return sorted(lines)


def find(model: str, directory: str | os.PathLike[str] | None = None) -> ModelEntry:
    """The model named `name` (its newest version), `name/version`, or by the path of its version folder.

    Raises:
        UserError: when there is no such model or version; the line says what there is and where it was looked for.
    """
    path = Path(model).expanduser()
    if (path / metadata_file.FILE_NAME).is_file():
        return _entry_at(path)
    found = _scan(directory)
    name, _, version = model.strip("/").partition("/")
    versions = sorted(number for found_name, number in found if found_name == name)
    if not versions:
        names = sorted({found_name for found_name, _ in found})
        known = f"there are: {', '.join(names)}" if names else "there are none"
        places = ", ".join(str(folder) for folder in search_folders(directory))
        raise UserError(
            f"No model {name!r} in {places}; {known}. Export one with `keras-seq export`, or name the folder with "
            f"--models.dir or {ENVIRONMENT_VARIABLE}."
        )
    if not version:
        number = versions[-1]
    elif version.isascii() and version.isdigit() and int(version) in versions:
        number = int(version)
    else:
        known = ", ".join(str(number) for number in versions)
        raise UserError(f"Model {name!r} has no version {version!r}; its versions are: {known}.")
    folder, path = found[name, number]
    return ModelEntry(name, number, path, _read(folder, path))


def _entry_at(path: Path) -> ModelEntry:
    """The model in a version folder that was named by its path."""
    metadata = metadata_file.read(path)
    return ModelEntry(str(metadata["name"]), int(metadata["version"]), path, metadata)


def inspect(entry: ModelEntry) -> dict[str, Any]:
    """What there is to know about a model: its metadata, its folder and its size in bytes."""
    return {**entry.metadata, "path": str(entry.path), "size": entry.size}


def model_card(entry: ModelEntry) -> str:
    """The text of the model's MODEL_CARD.md, empty when it has none."""
    path = entry.path / "MODEL_CARD.md"
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def verify(entry: ModelEntry) -> list[str]:
    """What differs between the files and their recorded sha256, one `changed|missing|extra: file` a line."""
    return metadata_file.problems(entry.path, entry.metadata)


def load(entry: ModelEntry) -> "ServedModel":
    """The model, ready to be called, after its files have been checked.

    Raises:
        UserError: when a file was changed, is missing or was added, naming it, and when TensorFlow cannot read the
            model.
    """
    differences = verify(entry)
    if differences:
        more = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
        raise UserError(
            f"Model {entry.key} is not as it was exported ({differences[0]}{more}). "
            "Restore the file or export the model again."
        )
    from apps.serving.served import ServedModel

    return ServedModel.load(entry)
