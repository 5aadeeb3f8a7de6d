"""What a recipe may say about verifiers whose scores are combined."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Model = Literal["dawid_skene", "moments", "mean", "wco", "uwo"]
LABEL_MODELS: tuple[Model, ...] = ("dawid_skene", "moments")
Binarise = Literal["balance", "dev"] | float | dict[str, float]


class Drop(BaseModel):
    """Which verifiers are left out before a label model is fitted.

    one_sided: those that say nearly always the same. As Weaver does (arXiv 2506.18203): where less
    than .2 of the traces are right, those that say yes to more than half; where more than .8 are,
    those that say yes to less than half; else, those outside .1 to .9. keep: of the others, at most
    this many, those that depend least on each other; None: all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    one_sided: bool = True
    keep: int | None = Field(None, ge=3)


class VerifierSettings(BaseModel):
    """Whose scores, and how they are put together.

    columns: the verifiers' columns, numbers (greater is better) or yes and no.
    normalise: `all`: to 0..1 between the 5th and 95th percentile of all traces; `problem`: of each
    problem's own; `none`: as they are. None: `all` for a label model, `none` for an ensemble.
    binarise: from which normalised score on a verifier says yes. `balance`: where it says yes to as
    many traces as are right by `dev`, or, without `dev`, to half; `dev`: where it tells right from
    wrong best there; a number, for all or by column. drop: see `Drop`; None: only those that always
    say the same are left out.
    truth: the yes-or-no column that says which traces of the problems in `dev` are right.
    penalty: what UWO takes off for each unit of variance (lambda in arXiv 2310.02743); 0 is 0.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: tuple[str, ...] = ()
    normalise: Literal["none", "all", "problem"] | None = None
    binarise: Binarise | None = None
    drop: Drop | None = None
    truth: str | None = None
    penalty: float | None = Field(None, ge=0)
