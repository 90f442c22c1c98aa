"""Writing a model to saved_models/<name>/<version>/, whole or not at all."""

import contextlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata as packages
from pathlib import Path
from typing import Any

import numpy as np

from apps.errors import UserError
from apps.serving import fresh, graph_check
from apps.serving import metadata as metadata_file
from apps.serving.model_card import Card, render
from apps.serving.served import call_signature, encode_text
from apps.serving.snapshot import inference_module

CHECK_TEXTS = (
    "",
    "good",
    "It was not good, and I would not watch it again.",
    "很好看 🙂",
    b"caf\xe9 \xff".decode("latin-1"),
)
DEFAULT_SIGNATURE = "serving_default"
_TEMPORARY = ".exporting-"  # how the names of unfinished folders begin


@dataclass(frozen=True)
class ExportReport:
    """What was written.

    Attributes:
        path: The version's folder.
        version: The version.
        parameters: The number of values in the exported variables.
        sizes: The size in bytes of each file by its path in the folder.
        checked: Whether a fresh process gave the same answers as this one.
    """

    path: Path
    version: int
    parameters: int
    sizes: dict[str, int] = field(repr=False)
    checked: bool

    @property
    def size(self) -> int:
        """The size of all files in bytes."""
        return sum(self.sizes.values())


def export_model(
    signatures: Mapping[str, Any],
    tracked: Sequence[Any],
    name: str,
    directory: str | os.PathLike[str],
    *,
    metadata: Mapping[str, Any],
    card: Card,
    assets: Sequence[str | os.PathLike[str]] = (),
    version: int | None = None,
    check: bool = True,
    check_texts: Sequence[str | bytes] = CHECK_TEXTS,
    check_inputs: Mapping[str, Mapping[str, Any]] | None = None,
) -> ExportReport:
    """Writes a model as a SavedModel that needs nothing but TensorFlow.

    The folder is written beside its place and renamed when it is complete, so that a reader sees all of it or nothing.
    Of `tracked`, only what the signatures use is written: no optimizer, no metrics, no training-only variables.

    Args:
        signatures: Functions by name, `serving_default` among them: `tf.function`s with an input signature, or concrete
            functions, which return dictionaries of tensors.
        tracked: What owns the variables and tables that the functions use: Keras models, layers, `tf.Module`s.
        name: The model's name, the folder's.
        directory: The folder of all models.
        metadata: `task`, and as far as there are any `seed`, `data`, `labels`, `metrics`, `config`, and more of the
            task's own. The rest of the schema is filled in here.
        card: What the model card says in words.
        assets: Files, or folders of files, that are copied to `assets/`: vocabularies and the like.
        version: The version; by default the next one that is free.
        check: Whether to load the model in a fresh process and to compare its answers to this one's. Signatures whose
            one input is `text` are compared.
        check_texts: The texts to compare on; bytes may be invalid UTF-8.
        check_inputs: Inputs, by signature, on which signatures with other inputs are compared.

    Returns:
        Where the model is, and how large.

    Raises:
        UserError: when the name or version cannot be used, the graph would not run in another process, the disk is
            full or the fresh process gives other answers. Nothing is left behind then.
    """
    _check_arguments(signatures, name, version, metadata)
    concrete = {key: _concrete(key, function) for key, function in signatures.items()}
    model_folder = Path(directory) / name
    with _temporary_folder(model_folder) as folder:
        module, variables = inference_module(concrete, tracked)
        _save(module, concrete, folder)
        found = graph_check.graph_problems(folder)
        if found:
            raise UserError(f"Model {name!r} cannot be exported: {found[0]}. Build its signatures without it.")
        _copy_assets(assets, metadata.get("labels"), folder / "assets")
        number = version if version is not None else _next_version(model_folder)
        fields = {
            **metadata,
            **({"inputs": dict(card.inputs)} if card.inputs else {}),
            "name": name,
            "version": number,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": {**_versions(), **metadata.get("versions", {})},
            "signatures": {key: _describe(function) for key, function in concrete.items()},
            "parameters": sum(int(np.prod(variable.shape)) for variable in variables),
        }
        (folder / "MODEL_CARD.md").write_text(render(fields, card), encoding="utf-8")
        sealed = metadata_file.seal(folder, fields)
        metadata_file.write(folder, sealed)
        if check:
            texts = [encode_text(text) for text in check_texts]
            requests: dict[str, Mapping[str, Any]] = {
                key: {"text": texts} for key, function in concrete.items() if _only_text(function)
            }
            _check_in_fresh_process(folder, concrete, requests | dict(check_inputs or {}))
        sizes = {
            path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()
        }
        target = _publish(folder, model_folder / str(number))
    return ExportReport(target, number, fields["parameters"], sizes, check)


def _check_arguments(
    signatures: Mapping[str, Any], name: str, version: int | None, metadata: Mapping[str, Any]
) -> None:
    """Refuses what cannot become a folder that TF Serving and the registry read."""
    if not name or name.startswith(".") or not all(char.isalnum() or char in "-_." for char in name):
        raise UserError(f"A model's name is made of letters, digits, '-', '_' and '.'. Received: {name!r}.")
    if version is not None and version < 1:
        raise UserError(f"A model's version is a positive integer. Received: {version}.")
    if DEFAULT_SIGNATURE not in signatures:
        raise ValueError(f"A model needs the signature {DEFAULT_SIGNATURE!r}. Received: {sorted(signatures)}.")
    if "task" not in metadata:
        raise ValueError(f"The metadata need the field 'task'. Received: {sorted(metadata)}.")


def _concrete(name: str, function: Any) -> Any:
    """The concrete function of a signature."""
    if not hasattr(function, "get_concrete_function"):
        return function
    try:
        return function.get_concrete_function()
    except TypeError as error:
        raise ValueError(f"The function of signature {name!r} needs an `input_signature`: {error}") from error


@contextlib.contextmanager
def _temporary_folder(model_folder: Path) -> Iterator[Path]:
    """A folder beside the versions, on the same disk; it is removed unless it has been renamed."""
    try:
        model_folder.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(model_folder)
        folder = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=model_folder))
    except OSError as error:
        raise UserError(f"Cannot write to {model_folder}: {error.strerror or error}.") from error
    try:
        yield folder
    except OSError as error:
        raise UserError(f"The model could not be written to {model_folder}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            model_folder.rmdir()  # only when it is empty: the first export of this name has failed


def _remove_abandoned(model_folder: Path) -> None:
    """Removes what exports that were killed have left; one that still runs has been at it for less than an hour."""
    for folder in model_folder.glob(f"{_TEMPORARY}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > 3600:
                shutil.rmtree(folder)


def _save(module: Any, concrete: Mapping[str, Any], folder: Path) -> None:
    """Writes the SavedModel."""
    import tensorflow as tf

    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    try:
        tf.saved_model.save(module, str(folder), signatures=dict(concrete), options=options)
    except AssertionError as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"A signature uses a variable or table that none of `tracked` owns. {reason}") from error
    except tf.errors.OpError as error:
        raise UserError(
            f"The model could not be written to {folder.parent}: {error.message.splitlines()[0]}"
        ) from error
    (folder / "assets").mkdir(exist_ok=True)


def _copy_assets(assets: Sequence[str | os.PathLike[str]], labels: Sequence[str] | None, folder: Path) -> None:
    """Copies vocabularies and the like to `assets/`, and writes labels.txt, one class a line in order."""
    for asset in map(Path, assets):
        files = sorted(path for path in asset.iterdir() if path.is_file()) if asset.is_dir() else [asset]
        for source in files:
            target = folder / source.name
            if target.exists() and target.read_bytes() != source.read_bytes():
                raise ValueError(f"Two different assets have the name {source.name!r}.")
            shutil.copyfile(source, target)
    if labels:
        (folder / "labels.txt").write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")


def _next_version(model_folder: Path) -> int:
    """One more than the highest version there is."""
    return max((int(path.name) for path in model_folder.iterdir() if path.name.isdecimal()), default=0) + 1


def _publish(folder: Path, target: Path) -> Path:
    """Flushes the folder to disk and gives it its place."""
    if target.exists():
        raise UserError(f"{target} exists already. Choose another version, or leave it out to take the next free one.")
    for path in [*folder.rglob("*"), folder]:
        _flush(path)
    folder.chmod(0o755)  # mkdtemp's own mode shuts other users, such as a server's, out
    folder.rename(target)
    _flush(target.parent)
    return target


def _flush(path: Path) -> None:
    """Waits until a file or folder is on the disk; folders only where the system lets them be opened."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _versions() -> dict[str, str]:
    """The versions of Python and of the packages that made the model."""
    versions = {"python": platform.python_version()}
    for key, package in {"tensorflow": "tensorflow", "keras": "keras", "keras_seq": "keras-seq"}.items():
        with contextlib.suppress(packages.PackageNotFoundError):
            versions[key] = packages.version(package)
    return versions


def _describe(function: Any) -> dict[str, Any]:
    """The inputs and outputs of a concrete function by name, with type and shape (None = any size)."""
    _, inputs = function.structured_input_signature
    outputs = function.structured_outputs
    arguments = {spec.name: spec for spec in function.structured_input_signature[0]} | inputs
    return {
        "inputs": {name: _spec(spec) for name, spec in arguments.items()},
        "outputs": {name: _spec(spec) for name, spec in outputs.items()},
    }


def _spec(spec: Any) -> dict[str, Any]:
    """Type and shape of one tensor."""
    return {"dtype": spec.dtype.name, "shape": None if spec.shape.rank is None else spec.shape.as_list()}


def _only_text(function: Any) -> bool:
    return set(_describe(function)["inputs"]) == {"text"}


def _check_in_fresh_process(
    folder: Path, concrete: Mapping[str, Any], requests: Mapping[str, Mapping[str, Any]]
) -> None:
    """Compares the answers of the written model in a fresh process to those of the functions here."""
    try:
        answers = fresh.answers(folder, list(requests.items()))
    except RuntimeError as error:
        raise UserError(f"The exported model does not run in a process with TensorFlow alone: {error}") from error
    for (name, inputs), answer in zip(requests.items(), answers, strict=True):
        for output, value in call_signature(concrete[name], inputs).items():
            difference = largest_difference(value, answer[output])
            if difference > 1e-4:
                raise UserError(
                    f"Output {output!r} of signature {name!r} differs by {difference:.2g} in a process with TensorFlow "
                    "alone. The model was not exported."
                )


def largest_difference(expected: np.ndarray, actual: np.ndarray) -> float:
    """The largest absolute difference; infinite when shapes or strings differ or a number is not finite."""
    if expected.shape != actual.shape:
        return float("inf")
    if expected.dtype == object:
        return 0.0 if np.array_equal(expected, actual) else float("inf")
    if not np.all(np.isfinite(actual.astype(np.float64))):
        return float("inf")
    return float(np.max(np.abs(expected.astype(np.float64) - actual.astype(np.float64)), initial=0.0))
