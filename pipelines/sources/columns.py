"""Finding the columns of texts and labels by their names."""

from collections.abc import Sequence

from pipelines.config import DataConfig
from pipelines.errors import DataError

TEXT_NAMES = (
    "text", "review", "reviews", "sentence", "review_text", "reviewtext", "review_body", "comment", "comment_text",
    "content", "body", "tweet", "message", "document", "description", "utterance", "phrase",
)  # fmt: skip
LABEL_NAMES = (
    "label", "labels", "sentiment", "class", "target", "category", "rating", "stars", "score", "polarity", "intent",
    "label_text", "topic", "y",
)  # fmt: skip
HEADER_HINT = " (the first line must name the columns)"
_LISTED, _SHOWN = 20, 40  # columns, and characters of each, that a message quotes


def find_columns(names: Sequence[str], config: DataConfig, file: str, hint: str = "") -> tuple[str, str]:
    """The names of the text column and of the label column.

    Args:
        names: All column names, in their order.
        config: `text_column` and `label_column` win over guessing.
        file: For the message.
        hint: The end of the message, if no column has an obvious name.

    Raises:
        DataError: A column is not there, or none has an obvious name; the message lists the columns.
    """
    text = find_text_column(names, config, file, hint)
    label = _find([name for name in names if name != text], config.label_column, LABEL_NAMES, "label", file, hint)
    return text, label


def find_text_column(names: Sequence[str], config: DataConfig, file: str, hint: str = "") -> str:
    """The name of the text column, where there are no labels. Arguments and errors are those of `find_columns`."""
    return _find(names, config.text_column, TEXT_NAMES, "text", file, hint)


def listing(names: Sequence[str]) -> str:
    """Column names as a message quotes them: not all of many, and long ones cut."""
    listed = ", ".join(repr(name if len(name) <= _SHOWN else name[:_SHOWN] + "...") for name in names[:_LISTED])
    return (listed or "none") + (", ..." if len(names) > _LISTED else "")


def _find(names: Sequence[str], wanted: str | None, obvious: Sequence[str], role: str, file: str, hint: str) -> str:
    listed = listing(names)
    if wanted is not None:
        if wanted in names:
            return wanted
        raise DataError(
            f"{file} has no column {wanted!r} for the {role}s: set --data.{role}_column to one of: {listed}"
        )
    by_plain_name = {name.strip().lower().replace(" ", "_"): name for name in reversed(names)}
    for name in obvious:
        if name in by_plain_name:
            return by_plain_name[name]
    raise DataError(f"{file}: no column is obviously the {role}s: set --data.{role}_column to one of: {listed}{hint}")
