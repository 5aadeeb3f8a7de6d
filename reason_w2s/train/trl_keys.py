"""The names TRL's configs know, as a file: `python -m reason_w2s.train.trl_keys` rewrites it.

Recipes are checked against that file, so that reading one needs no TRL. Run this after changing the
TRL pin; a test compares the file with the TRL that is installed.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from reason_w2s.errors import require
from reason_w2s.train.arguments import KEYS_FILE
from reason_w2s.train.objectives import OBJECTIVES


def installed_keys() -> dict[str, Any]:
    """Versions, and per objective the installed TRL's field names with a plain type or "any"."""
    trl, transformers = require("trl", "train"), require("transformers", "train")
    names: dict[str, Any] = {
        objective: {
            field.name: _plain(field.type)
            for field in sorted(dataclasses.fields(one.config_class()), key=lambda one: one.name)
            if field.init
        }
        for objective, one in OBJECTIVES.items()
    }
    return {"trl": trl.__version__, "transformers": transformers.__version__, **names}


def _plain(annotation: Any) -> str:
    """The one type of a field that takes one, or "any"."""
    for kind in (bool, int, float, str):
        # annotations are types or, where a module postpones them, their names
        if annotation in (kind, kind.__name__):
            return kind.__name__
    return "any"


def main() -> None:
    """Rewrite the file."""
    KEYS_FILE.write_text(json.dumps(installed_keys(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
