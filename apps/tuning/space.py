"""Search spaces: which settings a search may change, and what to."""

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.errors import UsageError
from apps.settings import build_config, flatten, to_settings
from apps.tuning.parameter import Choice, Parameter, Range, shown

__all__ = ["Choice", "Parameter", "Range", "Space", "narrowed", "parse_wish", "shown"]


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

    def reseeded(self, seed: int) -> dict[str, Any]:
        """What makes a training with another seed, on the same splits of the data."""
        settings = {"training.seed": seed}
        if self._base.get("data.split_seed", seed) is None:
            settings["data.split_seed"] = self._base["training.seed"]
        return settings

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
