"""Finding and making results, by stage. One literal table."""

from __future__ import annotations

import importlib
from typing import cast

from reason_w2s.runs.work import Maker

MAKERS: dict[str, str] = {
    "problems": "problems",
    "model": "located",
    "prompted": "located",
    "union": "unions",
    "sample": "samples",
    "import": "imported",
    "check": "annotations",
    "stepcheck": "annotations",
    "vote": "annotations",
    "combine": "combined",
    "difficulty": "annotations",
    "score": "scores",
    "select": "choices",
    "pair": "choices",
    "noise": "fitted",
    "overlap": "overlaps",
    "harness": "harness",
    "train": "trained",
    "pretrain": "trained",
    "scratch": "trained",
}


def maker(stage: str) -> Maker:
    """The module that finds and makes a stage's results."""
    return cast(Maker, importlib.import_module(f"{__name__}.{MAKERS[stage]}"))
