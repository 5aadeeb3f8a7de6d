"""Finding and making results, by stage. One literal table."""

from __future__ import annotations

import importlib
from typing import cast

from reason_w2s.runs.mending import check_stored
from reason_w2s.runs.work import Maker, Work

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


def make(work: Work) -> None:
    """Make what is missing of a step, once the models it loads were read and found whole.

    Raises:
        Damaged: a file of the store is not what was written.
        W2SError: what else went wrong.
    """
    for name in dict.fromkeys(work.step.roles.values()):
        model = work.inputs[name].model
        if model is not None:
            check_stored(model)
    maker(work.step.stage).make(work)
