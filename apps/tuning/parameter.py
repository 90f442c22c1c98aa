"""A setting that a search changes: what a space is made of, and all that the views of a search need to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Where a setting matters only beside certain values of others: {"model.kind": ("recurrent",)}.
Conditions = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Choice:
    """A setting that takes one of a few values.

    Args:
        name: The full name of the setting, such as `model.units`.
        values: The values, of any kind a setting can have.
        when: Settings and the values of theirs beside which this one is searched; otherwise it stays as it is.
    """

    name: str
    values: tuple[Any, ...]
    when: Conditions = field(default_factory=dict)

    @property
    def codes(self) -> dict[Any, Any]:
        """Values by what stands for them in KerasTuner, which knows numbers of one kind, and strings."""
        kinds = {type(value) for value in self.values}
        if kinds == {int}:
            return {value: value for value in self.values}
        if kinds <= {int, float}:
            return {float(value): value for value in self.values}
        return {shown(value): value for value in self.values}

    def encode(self, value: Any) -> Any:
        """What stands for a value; that of the first one for a value that is not among them."""
        codes = self.codes
        return next((code for code, known in codes.items() if known == value), next(iter(codes)))

    def decode(self, code: Any) -> Any:
        """The value that `code` stands for."""
        return self.codes[code]

    def register(self, parameters: Any, default: Any) -> None:
        """Add this setting to KerasTuner's `HyperParameters`."""
        parameters.Choice(self.name, list(self.codes), default=self.encode(default))

    def describe(self) -> str:
        """The values, for people."""
        return ", ".join(shown(value) for value in self.values)


@dataclass(frozen=True)
class Range:
    """A setting that takes any number between two.

    Args:
        name: The full name of the setting.
        low: The least value.
        high: The greatest value; whole numbers if both are whole.
        log: Whether each decade gets the same share of the trials.
        when: As for `Choice`.
    """

    name: str
    low: float
    high: float
    log: bool = False
    when: Conditions = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether the values are whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def decode(self, code: Any) -> Any:
        """Numbers stand for themselves; four significant digits are enough."""
        return int(code) if self.whole else float(f"{code:.4g}")

    def register(self, parameters: Any, default: Any) -> None:
        """Add this setting to KerasTuner's `HyperParameters`."""
        usable = isinstance(default, (int, float)) and self.low <= default <= self.high
        kind = parameters.Int if self.whole else parameters.Float
        kind(
            self.name,
            self.low,
            self.high,
            sampling="log" if self.log else "linear",
            default=default if usable else self.low,
        )

    def describe(self) -> str:
        """The range, as it is given on the command line."""
        return f"{self.low:g}..{self.high:g}{' log' if self.log else ''}"


Parameter = Choice | Range


def shown(value: Any) -> str:
    """A value as it stands in a configuration file."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)
