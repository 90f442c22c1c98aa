"""A folder of classes: <class>/*.txt, or train/<class>/*.txt and test/<class>/*.txt."""

from pathlib import Path

from pipelines.config import DataConfig
from pipelines.errors import DataError
from pipelines.sources.records import BadRow, Rows, make_row
from pipelines.sources.text_files import decode_field, open_text, reading, short_name, undecodable

# The Large Movie Review Dataset keeps its texts without labels there.
_NO_CLASSES = {"unsup"}


def split_folders(path: str, option: str) -> tuple[Path, Path | None]:
    """The folder of the training classes, and that of the test classes if there is one."""
    folder = Path(path)
    if not folder.is_dir():
        raise DataError(f"there is no folder {path}: correct {option}")
    if class_folders(folder / "train"):
        return folder / "train", folder / "test" if class_folders(folder / "test") else None
    return folder, None


def class_folders(folder: Path) -> list[Path]:
    """The sub-folders that are classes, in the order of their names."""
    if not folder.is_dir():
        return []
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.is_dir() and entry.name not in _NO_CLASSES and not entry.name.startswith((".", "_"))
    )


def read_folder(folder: Path, config: DataConfig) -> Rows:
    """The texts of a folder of classes, in the order of the names of classes and files.

    Raises:
        DataError: There are no classes or no texts, or a file cannot be read.
    """
    name = short_name(folder)
    classes = class_folders(folder)
    if not classes:
        raise DataError(f"{name} has no sub-folders: it needs one a class, with .txt files in them")
    any_file = False
    for label in classes:
        for path in sorted([*label.glob("*.txt"), *label.glob("*.txt.gz")]):
            any_file = True
            place = short_name(path)
            with reading(path), open_text(path, config) as file:
                text = decode_field(file.read(), config)
            yield BadRow(place, undecodable(config)) if text is None else make_row(text, label.name, place)
    if not any_file:
        raise DataError(f"the sub-folders of {name} hold no .txt files")
