"""The exception tree.

    W2SError
    ├── ConfigError(ValueError)     a recipe, suite, profile or option is wrong
    ├── DataError(ValueError)       a file or a record is wrong
    ├── EngineError(RuntimeError)   a model could not be loaded or stopped working
    ├── StoreError(OSError)         what is on disk is damaged or belongs to something else
    ├── RunBusy(RuntimeError)       another process is at work here
    └── MissingExtra(ImportError)   an optional package is not installed

A message says where, what came, what was expected and what to do, on one line. The command line
prints it without a traceback and exits with `exit_code`: 2 the user's mistake, 3 try again,
4 damaged store.
"""

from __future__ import annotations

import importlib
from types import ModuleType


class W2SError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code = 2


class ConfigError(W2SError, ValueError):
    """A recipe, suite, profile or option is wrong."""


class DataError(W2SError, ValueError):
    """A file or a record in it is wrong."""


class EngineError(W2SError, RuntimeError):
    """A model could not be loaded, or its engine stopped working."""

    exit_code = 3


class StoreError(W2SError, OSError):
    """What is on disk is damaged or belongs to something else."""

    exit_code = 4


class RunBusy(W2SError, RuntimeError):
    """Another process is at work on this run."""

    exit_code = 3


class MissingExtra(W2SError, ImportError):
    """An optional package is not installed."""


def require(module: str, extra: str) -> ModuleType:
    """Import an optional package, or say which extra brings it.

    Raises:
        MissingExtra: `module` is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split(".", maxsplit=1)[0]:
            raise
        raise MissingExtra(
            f"{module} is not installed; install it with: pip install 'reason-w2s[{extra}]'"
        ) from error
