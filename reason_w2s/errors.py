"""The exception tree.

    W2SError
    ├── ConfigError(ValueError)     a recipe, suite, profile or option is wrong
    ├── DataError(ValueError)       a file or a record is wrong
    ├── EngineError(RuntimeError)   a model could not be loaded or stopped working
    ├── StoreError(OSError)         what is on disk is damaged or belongs to something else
    │   └── Damaged                 files of the store that can be set aside and made again
    ├── OutOfSpace(OSError)         there is no room to write
    ├── RunBusy(RuntimeError)       another process is at work here
    └── MissingExtra(ImportError)   an optional package is not installed

A message says where, what came, what was expected and what to do, on one line. The command line
prints it without a traceback and exits with `exit_code`: 2 the user's mistake, 3 try again,
4 damaged store.
"""

from __future__ import annotations

import errno
import importlib
from collections.abc import Iterable
from pathlib import Path
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


class Damaged(StoreError):
    """Files of the store are not what was written, or records that were there are gone.

    paths: what is to be set aside before it can be made again, in this order. place: the step that
    met them.
    """

    paths: tuple[Path, ...] = ()
    place: str = ""

    @staticmethod
    def of(paths: Iterable[Path], why: str) -> Damaged:
        """The first path is named."""
        found = tuple(paths)
        error = Damaged(
            f"{found[0]}: damaged ({why}); `reason-w2s run` of its recipe sets it aside and makes "
            f"it again"
        )
        error.paths = found
        return error


class RunBusy(W2SError, RuntimeError):
    """Another process is at work on this run."""

    exit_code = 3


class OutOfSpace(W2SError, OSError):
    """The disk, or what a user may have of it, is full."""

    exit_code = 3


class MissingExtra(W2SError, ImportError):
    """An optional package is not installed."""


def at(place: str, error: W2SError) -> W2SError:
    """The same error, with where it happened before its message."""
    found = type(error)(f"{place}: {error}")
    vars(found).update(vars(error))
    if isinstance(found, Damaged):
        found.place = found.place or place
    return found


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


_FULL = (errno.ENOSPC, errno.EDQUOT)
_WHAT_TO_DO = {
    errno.EACCES: "may not be read or written by this user; give another place, or the right to it",
    errno.EPERM: "may not be changed by this user; give another place, or the right to it",
    errno.EROFS: "lies where nothing can be written; give another place",
    errno.ENOTDIR: "a part of this path is a file, a folder was expected; give another place",
    errno.EEXIST: "is there already, and is no folder; give another place, or move it away",
    errno.EISDIR: "is a folder, a file was expected",
    errno.ENOENT: "is not there; a file or folder was expected",
    errno.ENAMETOOLONG: "is too long a name for this disk; give a shorter one",
    errno.ELOOP: "is a link that leads to itself; give the place itself",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n)",
}


def from_system(error: OSError) -> W2SError:
    """What the system refused, as an error of ours: which path, why, and what to do."""
    named = [str(name) for name in (error.filename, error.filename2) if name is not None]
    place = " -> ".join(named) or "the system"
    said = error.strerror or str(error) or type(error).__name__
    if error.errno in _FULL:
        return OutOfSpace(f"{place}: {said}; make room, then the same command goes on from here")
    advice = _WHAT_TO_DO.get(error.errno or 0)
    return ConfigError(f"{place}: {advice} ({said})" if advice else f"{place}: {said}")
