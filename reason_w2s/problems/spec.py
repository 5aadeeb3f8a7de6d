"""What a recipe or suite may say about a set of problems."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Labels = Literal["gold", "audit", "none"]
SourceName = Literal["gsm8k", "math", "asdiv", "hub", "jsonl", "world"]
ON_THE_HUB = ("gsm8k", "math", "asdiv", "hub")
Name = str | Annotated[tuple[str, ...], Field(min_length=1)] | None


SPLIT = re.compile(r"(?P<split>[^\[\]]+)(?:\[(?P<start>-?\d+%?)?:(?P<stop>-?\d+%?)?\])?")


class Columns(BaseModel):
    """A set's names for what a problem has; dots lead into a column (`reward_model.ground_truth`).

    A list of names: the first that a row has, so that the hub's set and a copy of it are both read.
    None: the source's usual names (`id question answer solution options level subject`; math and
    asdiv have more).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Name = None
    question: Name = None
    gold: Name = None
    solution: Name = None
    options: Name = None
    level: Name = None
    subject: Name = None


class ProblemSpec(BaseModel):
    """A set of problems: loaded from a `source`, or cut out of another set (`of`, or a `suite`'s).

    labels: gold, audit (the gold is for the report only) or none (it is not even loaded). Of a
    suite's problems audit or none: audit where nothing is said.
    path, name, revision: a set on the hub (or its folder), its configuration, and which commit, tag
    or branch. file: a local file instead of the hub. columns: its names, where they differ.
    split: may be sliced as in datasets, `train[:100]`, `train[10%:20%]`; of a file it is only that.
    subtasks: of another set's problems (`of`) not these but their steps, one problem per step but
    the last (`problems.subtasks`); what follows cuts these down.
    unique: keep the first of problems that share an id; without it they are an error.
    where, without, part (`k/n`), take: cut the set down, in this order. `without` names other sets,
    whose ids are left out, or `suites/NAME`, which leaves out what that suite asks too by its own
    measure (ids, questions, shared words). With a `salt` the order is a shuffle that depends on the
    salt and the ids alone, so a smaller `take` is a prefix of a larger one, and parts are disjoint;
    without, it is the source's order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: SourceName | None = None
    of: str | None = None
    suite: str | None = None
    path: str | None = None
    name: str | None = None
    revision: str | None = None
    split: str = "train"
    file: str | None = None
    columns: Columns = Columns()
    wording: Literal["seen", "held_out"] = "seen"
    labels: Labels | None = None
    subtasks: bool = False
    unique: bool = False
    where: dict[str, Any] = Field(default_factory=dict)
    without: tuple[str, ...] = ()
    part: str | None = None
    take: int | None = Field(None, ge=0)
    salt: int | str | None = None

    @field_validator("without", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("path")
    @classmethod
    def _a_set(cls, value: str | None) -> str | None:
        if value is not None and "/" not in value and not Path(value).is_dir():
            raise ValueError("expected a set on the hub, OWNER/NAME, or a folder that holds one")
        return value

    @field_validator("split")
    @classmethod
    def _a_split(cls, value: str) -> str:
        if not SPLIT.fullmatch(value):
            raise ValueError("expected a split or a slice of one: train, train[:100], train[:10%]")
        return value

    @field_validator("part", mode="before")
    @classmethod
    def _k_of_n(cls, value: Any) -> Any:
        if value is not None:
            match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", str(value))
            if not match or not 1 <= int(match[1]) <= int(match[2]):
                raise ValueError("expected k/n with 1 <= k <= n, for instance 1/2")
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> ProblemSpec:
        given = [one for one in (self.source, self.of, self.suite) if one is not None]
        if len(given) != 1:
            raise ValueError("give either 'source', 'of' or 'suite'")
        if self.subtasks and self.of is None:
            raise ValueError("'subtasks' are of the problems of another set: give 'of'")
        if self.source == "jsonl" and self.file is None:
            raise ValueError("source jsonl needs a 'file'")
        if self.source == "hub" and self.path is None and self.file is None:
            raise ValueError("source hub needs the set's 'path', OWNER/NAME")
        if self.source not in ON_THE_HUB:
            for key in ("path", "name", "revision"):
                if getattr(self, key) is not None:
                    raise ValueError(f"'{key}' is for the sources {', '.join(ON_THE_HUB)}")
        if self.source == "world" and self.take is None:
            raise ValueError("source world makes as many problems as asked: give 'take'")
        return self
