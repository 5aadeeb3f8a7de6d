"""Reading YAML 1.2: `on` stays text, `2e-5` is a number, a key may stand only once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.owners import elsewhere

Model = TypeVar("Model", bound=BaseModel)

LARGEST_BYTES = 2**22
DEEPEST = 40
"""Levels of mappings and lists in each other; the deepest shipped recipe has eight."""
MOST_VALUES = 100_000
SHOWN = 60
"""Characters of an override's value in a message."""
TOO_DEEP = f"mappings and lists in each other deeper than {DEEPEST}; is it a recipe?"


def read(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        ConfigError: no such file, not YAML, a key twice, or not a mapping.
    """
    data = _bounded(_loaded(_text(path), path), str(path))
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected a mapping of keys, got {_kind(data)}")
    return data


def _text(path: Path) -> str:
    if path.is_dir():
        raise ConfigError(f"{path}: a folder; expected a YAML file")
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise ConfigError(
            f"{path}: {size:,} bytes; expected YAML of at most {LARGEST_BYTES:,}: is it data?"
        )
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: not text in UTF-8 (byte {error.start}: {error.reason}); save it as UTF-8"
        ) from error


def _loaded(text: str, path: Path) -> Any:
    try:
        return YAML(typ="safe", pure=True).load(text)
    except DuplicateKeyError as error:
        raise ConfigError(f"{_place(path, error)}: {_duplicate(error)}") from error
    except MarkedYAMLError as error:
        raise ConfigError(f"{_place(path, error)}: {_problem(error)}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: {TOO_DEEP}") from error
    except (YAMLError, TypeError) as error:
        # characters that may not stand in YAML, a key that is a list or mapping
        raise ConfigError(f"{path}: not YAML that can be read: {error}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: holds a number or date that cannot be read: {error}") from error


def _problem(error: MarkedYAMLError) -> str:
    """What is wrong in the text, or with a tag, which would make another thing than data of it."""
    said = str(error.problem)
    tag = re.search(r"tag '([^']*)'", said)
    if tag is not None:
        named = tag[1].replace("tag:yaml.org,2002:", "!!")
        return f"the tag {named} is not read, a YAML file here is plain data; remove the tag"
    return f"not YAML: {said}"


def _bounded(data: Any, where: str) -> Any:
    """The same data, if it is not too deep or, with its aliases written out, too much.

    Raises:
        ConfigError: it is.
    """
    counted, level = 0, [data]
    for _ in range(DEEPEST):
        counted += len(level)
        if counted > MOST_VALUES:
            raise ConfigError(
                f"{where}: more than {MOST_VALUES:,} values once its aliases (*name) are written "
                "out; use fewer"
            )
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return data
    raise ConfigError(f"{where}: {TOO_DEEP}")


def _inside(one: Any) -> list[Any]:
    if isinstance(one, dict):
        return list(one.values())
    return one if isinstance(one, list) else []


def _kind(data: Any) -> str:
    """What stands where a mapping should, in words."""
    return "nothing" if data is None else type(data).__name__


def value(text: str) -> Any:
    """One YAML value, as it is written in an override on the command line."""
    try:
        return _bounded(YAML(typ="safe", pure=True).load(text), "an override")
    except YAMLError as error:
        problem = getattr(error, "problem", None) or error
        raise ConfigError(f"override value '{text[:SHOWN]}' is not YAML: {problem}") from error
    except RecursionError as error:
        raise ConfigError(f"override value '{text[:SHOWN]}': {TOO_DEEP}") from error
    except (ValueError, TypeError) as error:
        raise ConfigError(f"override value '{text[:SHOWN]}' cannot be read: {error}") from error


def header(path: Path) -> str:
    """The comment lines a file begins with, without their signs."""
    lines = []
    for line in path.read_text(encoding="utf-8-sig").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return "\n".join(lines)


def parse(model: type[Model], data: Any, where: str) -> Model:
    """`data` as a `model`.

    Raises:
        ConfigError: one line that names the place, and for an unknown key the nearest known one.
    """
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: expected a mapping, got {data!r}")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_explain(model, data, error, where)) from error


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` or, without a near one, the list of what there is."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; there are: {', '.join(known)}" if known else ""


def _place(path: Path, error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f"{path}:{mark.line + 1}" if mark else str(path)


def _duplicate(error: DuplicateKeyError) -> str:
    first = str(error.problem).splitlines()[0]
    return f"{first.split(' with value')[0]}; every name may stand once"


_PLAIN = {
    "tuple_type": "expected a list",
    "list_type": "expected a list",
    "dict_type": "expected a mapping",
    "model_type": "expected a mapping",
}
"""Where pydantic's words speak of Python's types."""


def _explain(model: type[BaseModel], data: Any, error: ValidationError, where: str) -> str:
    """The first of pydantic's complaints, as a line."""
    first = _most_telling(error)
    location = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        place = _join(where, _written_at(data, first["loc"][:-1]))
        known = _fields_at(model, location[:-1])
        hint = elsewhere(location[-1]) or nearest(location[-1], known)
        return f"{place}: unknown key '{location[-1]}'{hint}"
    if first["type"] == "missing":
        place = _join(where, [*_written_at(data, first["loc"][:-1]), location[-1]])
        return f"{place}: this key is required"
    if location and location[-1] == "[key]":
        at = _join(where, _written_at(data, first["loc"][:-2]))
        return f"{at}: expected a name, got the key {first.get('input')!r}; put it in quotes"
    place = _join(where, _written_at(data, first["loc"]))
    # what stands in an environment may be a token
    hidden = isinstance(first.get("input"), dict) or "environment" in location
    came = "" if hidden else f", got {first.get('input')!r}"
    said = _PLAIN.get(first["type"], first["msg"].removeprefix("Value error, "))
    return f"{place}: {said}{came}"


def _written_at(data: Any, location: Sequence[int | str]) -> list[str]:
    """The parts of pydantic's location that the file itself holds, without the names of what
    pydantic tried there (`str`, `function-after[...]`)."""
    kept = []
    for part in location:
        listed = isinstance(data, (list, tuple)) and isinstance(part, int)
        if listed or (isinstance(data, dict) and part in data):
            data = data[part]
            kept.append(str(part))
    return kept


def _join(where: str, location: list[str]) -> str:
    """`file: a.b` from a file, `file: a.b.c` from a place in it."""
    if not location:
        return where
    return f"{where}{'.' if ': ' in where else ': '}{'.'.join(location)}"


def _most_telling(error: ValidationError) -> Any:
    """The first complaint, but a misspelt key before the one that is missing for it, and for
    `name | mapping` given a mapping not that it is no name."""
    found = error.errors()
    unknown = [one for one in found if one["type"] == "extra_forbidden"]
    if unknown and found[0]["type"] == "missing":
        return unknown[0]
    for one in found:
        if one["type"] != "string_type" or not isinstance(one["input"], dict):
            return one
    return found[0]


def _fields_at(model: type[BaseModel], location: list[str]) -> list[str]:
    """The keys known at a place inside `model`."""
    current: Any = model
    for part in location:
        field = getattr(current, "model_fields", {}).get(part)
        # a part that is no field is a key of a mapping, an index, or a branch of a union
        if field is not None:
            current = _model_in(field.annotation)
    return list(getattr(current, "model_fields", {}))


def _model_in(annotation: Any) -> Any:
    """The pydantic model inside an annotation such as `Lora | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(option) for option in getattr(annotation, "__args__", ()))
    return next((found for found in inner if found is not None), None)
