"""A search space as plain values, as `search.yaml` holds it, and back."""

from collections.abc import Iterable
from typing import Any

from apps.tuning.parameter import Choice, Parameter, Range


def to_stored(parameters: Iterable[Parameter]) -> list[dict[str, Any]]:
    """A space as YAML values."""
    stored = []
    for parameter in parameters:
        what: dict[str, Any] = {"setting": parameter.name}
        if isinstance(parameter, Choice):
            what["values"] = list(parameter.values)
        else:
            what |= {"low": parameter.low, "high": parameter.high, "log": parameter.log}
        if parameter.when:
            what["when"] = {name: list(values) for name, values in parameter.when.items()}
        stored.append(what)
    return stored


def from_stored(stored: Iterable[dict[str, Any]]) -> tuple[Parameter, ...]:
    """The inverse of `to_stored`."""
    parameters: list[Parameter] = []
    for what in stored:
        when = {name: tuple(values) for name, values in what.get("when", {}).items()}
        if "values" in what:
            parameters.append(Choice(what["setting"], tuple(what["values"]), when))
        else:
            parameters.append(Range(what["setting"], what["low"], what["high"], what["log"], when))
    return tuple(parameters)
