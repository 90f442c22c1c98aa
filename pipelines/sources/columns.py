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


def find_columns(names: Sequence[str], config: DataConfig, file: str) -> tuple[str, str]:
    """The names of the text column and of the label column.

    Args:
        names: All column names, in their order.
        config: `text_column` and `label_column` win over guessing.
        file: For the message.

    Raises:
        DataError: A column is not there, or none has an obvious name; the message lists the columns.
    """
    text = _find(names, config.text_column, TEXT_NAMES, "text", file)
    label = _find([name for name in names if name != text], config.label_column, LABEL_NAMES, "label", file)
    return text, label


def _find(names: Sequence[str], wanted: str | None, obvious: Sequence[str], role: str, file: str) -> str:
    listed = ", ".join(repr(name) for name in names) or "none"
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
    raise DataError(
        f"{file}: no column is obviously the {role}s: set --data.{role}_column to one of: {listed}"
        " (the first line must name the columns)"
    )
