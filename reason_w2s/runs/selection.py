"""Which steps of a plan are done, and which must be there for it."""

from __future__ import annotations

from dataclasses import dataclass

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.plan import Plan
from reason_w2s.recipe.yaml_file import nearest
from reason_w2s.runs.work import Part
from reason_w2s.stages.table import STAGES


@dataclass(frozen=True, slots=True)
class Selection:
    """Which steps of a plan to do.

    until: up to these. start: from these on; what comes before must be there. only: just these.
    redo: make these again, under a key of their own; what other runs share is not touched.
    job: beside other jobs of the same run. part: so much of the one sample step that is `only` to
    do; the step is made when all of its parts are.
    """

    until: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    redo: tuple[str, ...] = ()
    job: bool = False
    part: Part | None = None

    @property
    def label(self) -> str:
        """What this job is called among those of the run; nothing where it is no job."""
        first = self.only[0].replace("/", "_") if self.only else "all"
        more = f"+{len(self.only) - 1}" if len(self.only) > 1 else ""
        part = f".{self.part.number}-of-{self.part.of}" if self.part else ""
        return f"{first}{more}{part}" if self.job else ""


def chosen(plan: Plan, selection: Selection) -> tuple[set[str], set[str]]:
    """(steps to do, steps that must be there).

    Raises:
        ConfigError: there is no such step, or the selection contradicts itself.
    """
    for name in (*selection.until, *selection.start, *selection.only, *selection.redo):
        if name not in plan.steps:
            raise ConfigError(f"no step '{name}' in the plan{nearest(name, plan.steps)}")
    _check_job(plan, selection)
    if selection.only:
        picked = _with_waited_for(plan, set(selection.only))
        if selection.job:
            # problems and models are at hand in no time, and no job of their own
            picked |= {one for one in plan.needed(picked) if plan.steps[one].stage not in STAGES}
        return picked, plan.needed(picked) - picked
    wanted = plan.needed(selection.until) if selection.until else set(plan.steps)
    if selection.start:
        picked = wanted & plan.after(selection.start)
        if not picked:
            raise ConfigError("nothing to do: no step lies between --from and --until")
        picked = _with_waited_for(plan, picked)
        return picked, plan.needed(picked) - picked
    return wanted, set()


def _check_job(plan: Plan, selection: Selection) -> None:
    """Refuse what several processes cannot do to one run."""
    if selection.job and selection.redo:
        raise ConfigError(
            "--redo: the other jobs of the run would not know of it; redo without --job"
        )
    if selection.part is None:
        return
    if not selection.job or len(selection.only) != 1:
        raise ConfigError(
            f"--part {selection.part}: a part of one sample step is drawn by a job; add --job and "
            f"one --only STEP"
        )
    stage = plan.steps[selection.only[0]].stage
    if stage != "sample":
        raise ConfigError(
            f"--part {selection.part}: '{selection.only[0]}' is a {stage} step, and only sample "
            f"steps are done in parts; leave --part out"
        )


def _with_waited_for(plan: Plan, names: set[str]) -> set[str]:
    """The steps and those they wait for: a selection is no way round what may stop a run."""
    steps = [plan.steps[name] for name in names]
    waited = plan.needed(other for step in steps for other in step.after)
    read = plan.needed(other for step in steps for other in (*step.of, *step.roles.values()))
    return names | (waited - read)
