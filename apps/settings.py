"""Configuration: from a TOML or YAML file and command-line options to a frozen dataclass, and back."""

import argparse
import dataclasses
import difflib
import functools
import re
import tomllib
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import jsonargparse
import yaml

from apps.errors import UsageError
from pipelines.errors import DataError

Config = TypeVar("Config")
METAVARS = (((int, int | None), "N"), ((float, float | None), "X"), ((str, str | None), "TEXT"))


class HelpFormatter(jsonargparse.DefaultHelpFormatter):
    """Help with the explanations in one column, and lines of at most 110 characters."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{"max_help_position": 34, **options})
        self._width = min(self._width, 110)

    def _expand_help(self, action: argparse.Action) -> str:
        # The metavar already says the type; a switch needs no default, and "null" is no word for people.
        text = re.sub(r"\(type: [^()]*(?:\([^()]*\)[^()]*)*, default: ", "(default: ", super()._expand_help(action))
        if action.nargs == "*":  # argparse counts a positional argument that may be left out as required
            text = text.replace(" (required)", "")
        return text.replace(" (default: null)", "").replace(" (default: False)", "").replace(" (default: None)", "")


class Parser(jsonargparse.ArgumentParser):
    """The parser of one command: options in full, and every mistake a `UsageError` that names the fix."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            allow_abbrev=False, exit_on_error=False, print_config=None, formatter_class=HelpFormatter, **options
        )

    def add_config(self, config_class: type, nested_key: str | None = None) -> None:
        """Add an option for each field of a configuration dataclass, nested ones as `--section.field`."""
        self.add_class_arguments(config_class, nested_key)
        for action in self._actions:
            # `--data FILE` would be a second way to read a file, beside --config.
            if action.help == "Path to a configuration file.":
                action.help = argparse.SUPPRESS
        prefix = f"{nested_key}." if nested_key else ""
        for name, kind in field_types(config_class).items():
            metavar = next((word for types, word in METAVARS if kind in types), None)
            if kind in (tuple[int, ...], tuple[int, ...] | None):
                metavar = "[N,...]"
            option = self._option_string_actions.get(f"--{prefix}{name}")
            if metavar and option is not None:
                option.metavar = metavar

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise a `UsageError` that explains the mistake in one line."""
        raise UsageError(self._explain(message)) from ex

    def _explain(self, message: str) -> str:
        if message.startswith("unrecognized arguments: "):
            argument = message.removeprefix("unrecognized arguments: ").split(" ")[0]
            if argument.startswith("-"):
                return unknown("option", argument.split("=")[0], self._option_strings(), f"{self.prog} --help")
            return f"Unexpected argument {argument!r}; see `{self.prog} --help`."
        wrong_value = re.match(r'Parser key "([\w.]+)":\s*(.*)', message, re.DOTALL)
        if wrong_value:
            key, reason = wrong_value.groups()
            return f"{key}: {_plain(reason)}"
        return _plain(message)

    def _option_strings(self) -> list[str]:
        return [name for action in self._actions if action.help != argparse.SUPPRESS for name in action.option_strings]


def _plain(reason: str) -> str:
    """A jsonargparse message in one line, with types as a user knows them."""
    text = " ".join(line.strip() for line in reason.strip().splitlines())
    text = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", text)
    text = re.sub(r"typing\.Literal\[(.*?)\]", r"one of \1", text)
    return text.replace("Expected a ", "expected ").replace(". Got value: ", ", got ")


def unknown(kind: str, name: str, known: Iterable[str], listing: str) -> str:
    """The line for a name that does not exist: the nearest that does, and the command that lists them all."""
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
    return f"Unknown {kind} {name!r}{hint} See `{listing}` for all."


def field_types(config_class: type) -> dict[str, Any]:
    """The types of all fields of a configuration dataclass by dotted name, for example `training.epochs`."""
    hints = typing.get_type_hints(config_class)
    types: dict[str, Any] = {}
    for field in dataclasses.fields(config_class):
        kind = hints[field.name]
        if dataclasses.is_dataclass(kind):
            nested = field_types(typing.cast(type, kind))
            types.update({f"{field.name}.{name}": inner for name, inner in nested.items()})
        else:
            types[field.name] = kind
    return types


def field_names(config_class: type) -> list[str]:
    """The dotted names of all fields of a configuration dataclass."""
    return list(field_types(config_class))


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as one level of dotted names."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as nested settings, the inverse of `flatten`."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *sections, key = name.split(".")
        inner = nested
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[key] = value
    return nested


def read_settings(path: Path | str, config_class: type, more_sections: Iterable[str] = ()) -> dict[str, Any]:
    """The settings in a TOML (`.toml`) or YAML file, by dotted name.

    Args:
        path: The file.
        config_class: The configuration dataclass whose settings may be named.
        more_sections: Sections whose settings are for others to check.

    Raises:
        UsageError: when the file is missing or malformed, or names a setting that `config_class` does not have.
    """
    path = Path(path)
    try:
        content = path.read_text(encoding="utf-8-sig")
        settings = tomllib.loads(content) if path.suffix.lower() == ".toml" else yaml.safe_load(content)
    except FileNotFoundError:
        raise UsageError(f"There is no configuration file {path}; --print_config shows one to start from.") from None
    except OSError as error:
        raise UsageError(f"The configuration file {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is malformed: {' '.join(str(error).split())}") from None
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise UsageError(f"{path} must hold `setting: value` lines, but is a {type(settings).__name__}.")
    known = field_names(config_class)
    sections = {name.rpartition(".")[0] for name in known} - {""}
    flat = flatten(settings)
    for name, value in flat.items():
        if name in sections:
            if value is not None:  # a section without settings reads as None
                raise UsageError(f"{path}: {name!r} is a section of settings, not a setting.")
        elif name not in known and name.partition(".")[0] not in more_sections:
            raise UsageError(f"{path}: " + unknown("setting", name, known, "--print_config"))
    return {name: value for name, value in flat.items() if name not in sections}


def build_config(config_class: type[Config], flat: Mapping[str, Any], source: str = "") -> Config:
    """A configuration from settings by dotted name; what is not named has its default.

    Raises:
        UsageError: when a value has the wrong type or is out of range; the line begins with `source` if given.
    """
    parser = _parser_of(typing.cast(type, config_class))
    try:
        namespace = parser.parse_object(nest(flat))
        values = parser.instantiate_classes(namespace)
        return config_class(**{field.name: values[field.name] for field in dataclasses.fields(config_class)})  # type: ignore[arg-type]
    except UsageError as error:
        raise UsageError(f"{source}: {error}" if source else str(error)) from error
    except (DataError, ValueError, TypeError) as error:
        raise UsageError(f"{source}: {error}" if source else str(error)) from error


@functools.cache
def _parser_of(config_class: type) -> Parser:
    # Most of the time goes into making one; a search needs a configuration for each of its trials.
    parser = Parser()
    parser.add_config(config_class)
    return parser


def to_settings(config: Any) -> dict[str, Any]:
    """A configuration as nested plain values, as `config.yaml` holds them."""
    return _plain_values(dataclasses.asdict(config))


def _plain_values(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain_values(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_values(inner) for inner in value]
    if isinstance(value, Path):
        return str(value)
    return value


def to_yaml(config: Any) -> str:
    """A configuration as YAML, which `read_settings` reads back to the same."""
    return yaml.safe_dump(to_settings(config), sort_keys=False, allow_unicode=True)


def given_settings(namespace: jsonargparse.Namespace, config_class: type) -> dict[str, Any]:
    """Those settings of a parsed command line that belong to `config_class`, by dotted name."""
    known = set(field_names(config_class))
    given = {}
    for name, value in namespace.items():
        if name in known:
            given[name] = value
    return given


def differences(one: Any, other: Any) -> list[tuple[str, Any, Any]]:
    """Where two configurations differ: (dotted name, value in one, value in the other)."""
    first, second = flatten(to_settings(one)), flatten(to_settings(other))
    return [(name, first.get(name), second.get(name)) for name in first | second if first.get(name) != second.get(name)]
