"""`${name}` in a recipe: variables and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reason_w2s.errors import ConfigError

_NAMED = re.compile(r"\$\{([^{}]*)\}")


def substitute(data: Any, variables: Mapping[str, Any], place: str, *, others: bool = False) -> Any:
    """`${name}` replaced; a value that is nothing else keeps the variable's type.

    `${name.key}` is a key of a variable that is a mapping. others: leave unknown ones as they are.

    Raises:
        ConfigError: there is no such variable, or no such key in it.
    """
    if isinstance(data, dict):
        # what a prompt says is no variable: `${x}$` is LaTeX
        return {
            key: value
            if key == "prompt" and isinstance(value, dict)
            else substitute(value, variables, place, others=others)
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [substitute(value, variables, place, others=others) for value in data]
    if not isinstance(data, str) or "${" not in data:
        return data

    def found(match: re.Match[str]) -> Any:
        name, _, key = match[1].partition(".")
        if name not in variables:
            if others:
                return match[0]
            known = ", ".join(variables)
            raise ConfigError(f"{place}: '{data}': unknown variable; there are: {known}")
        return _value(variables[name], key, f"{place}: '{data}'")

    whole = _NAMED.fullmatch(data)
    return found(whole) if whole else _NAMED.sub(lambda match: str(found(match)), data)


def _value(value: Any, key: str, where: str) -> Any:
    if not key:
        return value
    if not isinstance(value, Mapping) or key not in value:
        has = ", ".join(map(str, value)) if isinstance(value, Mapping) else "no keys"
        raise ConfigError(f"{where}: no key '{key}' in that variable (it has: {has})")
    return value[key]
