"""reason-w2s: make a strong language model reason better by learning from weaker reasoners.

`check`, `check_many` and `equal` grade answers; `Run.open(path)["step"]` reads what a recipe made.
Importing this package loads neither torch nor any of these until they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reason_w2s.answers import Verdict, check, check_many, equal
    from reason_w2s.runs.run import Run

__version__ = "0.1.0"
__all__ = ["Run", "Verdict", "__version__", "check", "check_many", "equal"]

_HOMES = {
    "Run": "reason_w2s.runs.run",
    "Verdict": "reason_w2s.answers",
    "check": "reason_w2s.answers",
    "check_many": "reason_w2s.answers",
    "equal": "reason_w2s.answers",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'reason_w2s' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
