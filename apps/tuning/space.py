"""Search spaces: which settings a search may change, and what to."""

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.errors import UsageError
from apps.settings import build_config, flatten, to_settings

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


class Space:
    """The settings that a search changes, around a configuration that has all others.

    Args:
        parameters: What is searched; a setting comes after those that it depends on.
        config: The configuration to start from; its values are KerasTuner's defaults.
    """

    def __init__(self, parameters: Iterable[Parameter], config: Any) -> None:
        self.fixed: dict[str, Any] = {}
        self._base = flatten(to_settings(config))
        self._by_name: dict[str, Parameter] = {}
        for parameter in parameters:
            if parameter.name not in self._base:
                raise UsageError(f"There is no setting {parameter.name!r} to search over.")
            conditions = {}
            for name, values in parameter.when.items():
                possible = self._possible(name)
                conditions[name] = tuple(value for value in values if value in possible)
            if not all(conditions.values()):  # it would never matter
                continue
            conditions = {name: values for name, values in conditions.items() if name in self._by_name}
            if isinstance(parameter, Choice) and len(parameter.values) == 1 and not conditions:
                self.fixed[parameter.name] = self._base[parameter.name] = parameter.values[0]
            else:
                self._by_name[parameter.name] = dataclasses.replace(parameter, when=conditions)
        # The values that are fixed belong to all trials.
        self.config = build_config(type(config), self._base) if self.fixed else config

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What is left to be searched."""
        return tuple(self._by_name.values())

    def _possible(self, name: str) -> tuple[Any, ...]:
        """The values that a setting may have in this space."""
        parameter = self._by_name.get(name)
        return parameter.values if isinstance(parameter, Choice) else (self._base[name],)

    def hyperparameters(self) -> Any:
        """The space as KerasTuner's `HyperParameters`."""
        import keras_tuner

        made = keras_tuner.HyperParameters()
        for parameter in self.parameters:
            with contextlib.ExitStack() as scopes:
                for name, values in parameter.when.items():
                    parent = self._by_name[name]
                    assert isinstance(parent, Choice)  # the only kind that has possible values
                    scopes.enter_context(made.conditional_scope(name, [parent.encode(value) for value in values]))
                parameter.register(made, self._base[parameter.name])
        return made

    def decode(self, codes: Mapping[str, Any]) -> dict[str, Any]:
        """Settings by their full names, from KerasTuner's values; its own notes (`tuner/...`) are left out."""
        return {name: self._by_name[name].decode(code) for name, code in codes.items() if name in self._by_name}

    def configuration(self, values: Mapping[str, Any]) -> Any:
        """The configuration with these values.

        Raises:
            UsageError: when they do not go together.
        """
        return build_config(type(self.config), {**self._base, **values})

    def check_kinds(self, names: Iterable[str]) -> None:
        """Try each value of some settings by itself, so that a word for a number is no failed trial in the night.

        Raises:
            UsageError: for a value of the wrong kind; the line names the setting. Whether values go together, only a
                trial can tell.
        """
        for name in self._by_name.keys() & set(names):
            parameter = self._by_name[name]
            values = parameter.values if isinstance(parameter, Choice) else (parameter.low, parameter.high)
            for value in values:
                try:
                    self.configuration({name: value})
                except UsageError as error:
                    if str(error).startswith(f"{name}: "):
                        raise UsageError(f"space.{error}") from None

    def rows(self) -> list[list[str]]:
        """Name, values, start and condition of each setting, for a table."""
        return [
            [
                parameter.name,
                parameter.describe(),
                shown(self._base[parameter.name]),
                "; ".join(f"{name}: {', '.join(map(shown, values))}" for name, values in parameter.when.items()),
            ]
            for parameter in self.parameters
        ]


def narrowed(
    parameters: Sequence[Parameter], wishes: Mapping[str, Any], given: Iterable[str] = ()
) -> tuple[Parameter, ...]:
    """A space with what the user wishes in the place of what the task proposes.

    Args:
        parameters: The task's proposal.
        wishes: By the full name of any setting: values, a range as text (`1e-4..1e-2 log`), or `off`.
        given: Settings that the user has fixed; they are searched only if there is a wish for them.
    """
    wanted = {name: parse_wish(name, wish) for name, wish in wishes.items()}
    fixed = set(given) - set(wanted)
    result: list[Parameter] = []
    for parameter in parameters:
        if parameter.name in wanted:
            wish = wanted.pop(parameter.name)
            if wish is not None:
                result.append(dataclasses.replace(wish, when=parameter.when))
        elif parameter.name not in fixed:
            result.append(parameter)
    return tuple(result + [wish for wish in wanted.values() if wish is not None])


def parse_wish(name: str, wish: Any) -> Parameter | None:
    """What stands after `--space.NAME`, or in the section `space` of a file; None for `off`."""
    import yaml

    if isinstance(wish, str):
        words = wish.split()
        if words == ["off"]:
            return None
        if words and ".." in words[0] and words[1:] in ([], ["log"]):
            try:
                # YAML takes 1e-3 for a text; Python does not.
                low, high = (_number(end) for end in words[0].split(".."))
            except ValueError:
                raise UsageError(f"space.{name} must be a range such as 0.1..0.5. Received: {wish!r}") from None
            if not low < high or (words[1:] and low <= 0):
                raise UsageError(f"space.{name} must rise, from above 0 if it is log. Received: {wish!r}")
            return Range(name, low, high, bool(words[1:]))
        wish = [_value(yaml.safe_load(part)) for part in wish.split(",")]
    values = tuple(wish) if isinstance(wish, (list, tuple)) else (wish,)
    if not values or len(set(map(shown, values))) < len(values):
        raise UsageError(f"space.{name} must be different values, such as 64,128. Received: {wish!r}")
    return Choice(name, values)


def _number(text: str) -> float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _value(loaded: Any) -> Any:
    try:
        return float(loaded) if isinstance(loaded, str) else loaded
    except ValueError:
        return loaded


def shown(value: Any) -> str:
    """A value as it stands in a configuration file."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)
