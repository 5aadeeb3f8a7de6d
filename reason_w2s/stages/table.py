"""The stages there are. One literal table: what each takes, gives, needs and adds."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

Kind = Literal["model", "problems", "traces", "pairs", "fitted", "overlaps"]
Shape = Literal["make", "annotate", "choose"]
Place = Literal["here", "engine", "torch"]


class Stage(NamedTuple):
    """One operation.

    config: "module:Class" of its settings. takes: the kinds `of` may have (none: it has no `of`).
    roles: other references, name -> kind. shape: annotating stages add `columns` to traces and
    drop nothing; only choosing stages drop. place: the process it runs in. gold: the columns that
    are made from gold labels. truths: the columns that are true, false or null. together: whether
    the columns of one trace depend on the others, so that all are made at once. lists: columns that
    hold a list of numbers, of which a predicate takes `.min`, `.mean`, `.sum` or `.last`. needs:
    the roles that no step of it can do without.
    """

    config: str
    takes: tuple[Kind, ...]
    gives: Kind
    shape: Shape
    place: Place
    version: int
    roles: Mapping[str, Kind] = MappingProxyType({})
    columns: tuple[str, ...] = ()
    gold: tuple[str, ...] = ()
    truths: tuple[str, ...] = ()
    together: bool = False
    lists: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


STAGES: dict[str, Stage] = {
    "sample": Stage(
        "reason_w2s.stages.sample:SampleConfig",
        takes=("problems",),
        gives="traces",
        shape="make",
        place="engine",
        version=1,
        roles={"model": "model"},
        needs=("model",),
    ),
    "import": Stage(
        "reason_w2s.stages.imports:ImportConfig",
        takes=("problems",),
        gives="traces",
        shape="make",
        place="here",
        version=2,
    ),
    "check": Stage(
        "reason_w2s.stages.check:CheckConfig",
        takes=("traces",),
        gives="traces",
        shape="annotate",
        place="here",
        version=3,
        columns=("status", "correct", "first_correct", "answer", "rule", "reason"),
        gold=("status", "correct", "first_correct", "reason"),
        truths=("correct", "first_correct"),
    ),
    "stepcheck": Stage(
        "reason_w2s.stages.stepcheck:StepcheckConfig",
        takes=("traces",),
        gives="traces",
        shape="annotate",
        place="here",
        version=4,
        columns=(
            *("flags", "reasons", "n_steps", "ends", "verdicts", "n_equations"),
            *("n_wrong_equations", "first_error", "wrong_share", "think"),
        ),
    ),
    "vote": Stage(
        "reason_w2s.stages.vote:VoteConfig",
        takes=("traces",),
        gives="traces",
        shape="annotate",
        place="here",
        version=1,
        columns=("answer", "confidence", "agrees", "share", "rank", "cumulative", "voters"),
        truths=("agrees",),
        together=True,
    ),
    "combine": Stage(
        "reason_w2s.stages.combine:CombineConfig",
        takes=("traces",),
        gives="traces",
        shape="annotate",
        place="here",
        version=2,
        roles={"fit_on": "problems", "dev": "problems"},
        columns=(
            *("answer", "confidence", "agrees", "posterior", "value", "voters"),
            *("ability", "ability_low", "ability_high"),
        ),
        truths=("agrees",),
        together=True,
    ),
    "score": Stage(
        "reason_w2s.stages.score:ScoreConfig",
        takes=("traces",),
        gives="traces",
        shape="annotate",
        place="torch",
        version=1,
        roles=dict.fromkeys(("model", "ref", "positive", "negative"), "model"),
        columns=("value", "steps", "tokens", "ends", "vocabulary"),
        lists=("steps", "tokens"),
    ),
    "difficulty": Stage(
        "reason_w2s.stages.difficulty:DifficultyConfig",
        takes=("traces",),
        gives="traces",
        shape="annotate",
        place="here",
        version=1,
        columns=("pass_rate", "n"),
        together=True,
    ),
    "select": Stage(
        "reason_w2s.stages.select:SelectConfig",
        takes=("traces",),
        gives="traces",
        shape="choose",
        place="here",
        version=1,
        roles={"problems": "problems"},
    ),
    "pair": Stage(
        "reason_w2s.stages.pair:PairConfig",
        takes=("traces",),
        gives="pairs",
        shape="choose",
        place="here",
        version=1,
    ),
    "noise": Stage(
        "reason_w2s.stages.noise:NoiseConfig",
        takes=("pairs",),
        gives="fitted",
        shape="make",
        place="here",
        version=1,
    ),
    "train": Stage(
        "reason_w2s.stages.train:TrainConfig",
        takes=("traces", "pairs", "problems"),
        gives="model",
        shape="make",
        place="torch",
        version=2,
        roles={"init": "model", "ref": "model", "noise": "fitted", "teacher": "model"},
        needs=("init",),
    ),
    "overlap": Stage(
        "reason_w2s.stages.overlap:OverlapConfig",
        takes=("problems",),
        gives="overlaps",
        shape="make",
        place="here",
        version=1,
        roles={"suite": "problems"},
    ),
    "harness": Stage(
        "reason_w2s.stages.harness:HarnessConfig",
        takes=(),
        gives="traces",
        shape="make",
        place="engine",
        version=1,
        roles={"model": "model"},
    ),
    "pretrain": Stage(
        "reason_w2s.train.pretrain:PretrainSettings",
        takes=(),
        gives="model",
        shape="make",
        place="torch",
        version=1,
    ),
    "scratch": Stage(
        "reason_w2s.train.pretrain:ScratchSettings",
        takes=("problems",),
        gives="model",
        shape="make",
        place="torch",
        version=1,
    ),
}
"""What a step of a recipe may be, what is put before training by itself (`overlap`), what a task of
lm-eval is (`harness`), and how a `world:` or `scratch:` model is made."""

USABLE = (
    *("sample", "import", "check", "stepcheck", "vote", "combine", "score", "difficulty"),
    *("select", "pair", "noise", "train", "prompted"),
)
"""What may stand under `steps:`; the last is resolved when the recipe is expanded."""


def config_class(stage: str) -> type[BaseModel]:
    """The settings class of a stage."""
    module, name = STAGES[stage].config.split(":")
    loaded: Any = getattr(importlib.import_module(module), name)
    return loaded  # type: ignore[no-any-return]
