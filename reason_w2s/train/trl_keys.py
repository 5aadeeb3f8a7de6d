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


def installed_keys() -> dict[str, Any]:
    """Versions, and per objective the sorted field names of the installed TRL's config."""
    trl, transformers = require("trl", "train"), require("transformers", "train")
    configs = {"sft": trl.SFTConfig, "dpo": trl.DPOConfig}
    names = {
        objective: sorted(field.name for field in dataclasses.fields(config) if field.init)
        for objective, config in configs.items()
    }
    return {"trl": trl.__version__, "transformers": transformers.__version__, **names}


def main() -> None:
    """Rewrite the file."""
    KEYS_FILE.write_text(json.dumps(installed_keys(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
