"""What a plan will take: records, tokens, device-hours as far as rates were measured, commands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from reason_w2s.doctor.bounds import asked_of, most
from reason_w2s.doctor.case import Case
from reason_w2s.recipe.identity import identities
from reason_w2s.recipe.load import Loaded
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.runs.store import read_json
from reason_w2s.stages.score import KINDS
from reason_w2s.train import launch
from reason_w2s.train.arguments import total_updates
from reason_w2s.train.config import TrainSettings
from reason_w2s.train.rollouts import problems_asked

NO_RATE = "no rate measured yet"
DOES = {"sample": "tokens_generated", "train": "tokens_trained", "score": "tokens_scored"}
"""What the ledger counts of a stage that takes a model's time."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """One step that takes a model's time.

    records: traces to draw or examples to see, at most; None: not known yet. tokens_at_most: from
    max_tokens. tokens: expected from what such a step gave before. made_by: the run that has it
    already; then nothing is left to do. device_hours: at the rate measured for this model.
    """

    step: str
    stage: str
    records: int | None
    told: str
    tokens_at_most: int | None = None
    tokens: int | None = None
    tokens_each: float | None = None
    made_by: str | None = None
    tokens_per_s: float | None = None
    device_hours: float | None = None


def outlooks(case: Case) -> list[Outlook]:
    """One for each sample, score and train step, in order."""
    found: dict[str, Outlook] = {}
    for step in case.plan.steps.values():
        if step.stage == "sample":
            found[step.name] = _sample(case, step)
        elif step.stage == "train":
            found[step.name] = _train(case, step, found)
        elif step.stage == "score":
            found[step.name] = _score(case, step, found)
    return list(found.values())


def outlooks_of(cases: Sequence[Case], cells: Sequence[Loaded]) -> list[Outlook]:
    """Those of a sweep's cells: what several cells share once, under its name in the first."""
    seen: set[str] = set()
    found = []
    for case, cell in zip(cases, cells, strict=True):
        same = identities(case.plan)
        for one in outlooks(case):
            if same[one.step] not in seen:
                seen.add(same[one.step])
                name = f"{one.step} ({cell.label})" if cell.label else one.step
                found.append(replace(one, step=name))
    return found


def lines(found: list[Outlook], commands: list[str]) -> Iterator[str]:
    """The outlook to be read, under the list of steps."""
    yield from ("", "what it takes:")
    for told, names in _alike_told(found).items():
        more = f" and {len(names) - 1} more like it" if len(names) > 1 else ""
        yield f"  {names[0]}{more}: {told}"
    made: dict[str, list[str]] = {}
    for one in found:
        if one.made_by is not None:
            made.setdefault(one.made_by, []).append(one.step)
    yield from (f"  made already in {place}: {', '.join(steps)}" for place, steps in made.items())
    yield f"  {_total(found)}"
    yield from ("", "commands:", *(f"  {command}" for command in commands))


def _alike_told(found: list[Outlook]) -> dict[str, list[str]]:
    """What is to do, each with the steps it is said of."""
    groups: dict[str, list[str]] = {}
    for one in found:
        if one.made_by is None:
            groups.setdefault(one.told, []).append(one.step)
    return groups


def as_json(case: Case, found: list[Outlook], commands: list[str]) -> dict[str, Any]:
    """The plan and its outlook as plain data."""
    steps = [
        {"name": one.name, "stage": one.stage, "kind": one.kind, "of": list(one.of)}
        | {"roles": dict(one.roles)}
        for one in case.plan.steps.values()
    ]
    return {
        "name": case.plan.name,
        "steps": steps,
        "outlook": [asdict(one) for one in found],
        "commands": commands,
    }


def commands(case: Case, arguments: list[str], folder: Path) -> list[str]:
    """The run itself, and under a launched profile what it starts for its training steps."""
    machines = case.profile.train.machines
    verb = "run" if machines == 1 else "submit"
    found = [shlex.join(["reason-w2s", verb, *arguments])]
    trains = case.trains()
    if case.profile.train.launched and trains:
        first, *others = trains
        line = shlex.join(launch.command(folder / "launch" / first.name, machines))
        likewise = f", likewise {', '.join(one.name for one in others)}" if others else ""
        found += [f"# which starts, for {first.name}{likewise}:", line]
    return found


def _sample(case: Case, step: Step) -> Outlook:
    sampling = step.config["sampling"]
    made = case.store.made.get(step.name)
    if made is not None:
        drawn, out = int(made.item.counts["tokens"]), int(made.item.counts["out"])
        told = f"{out:,} traces, {drawn:,} tokens: made already by {made.run.folder}"
        place = str(made.run.folder)
        return Outlook(step.name, "sample", out, told, tokens=drawn, made_by=place)
    asked, records = asked_of(case, step), most(case, step)
    n, longest = int(sampling["n"]), int(sampling["max_tokens"])
    if asked is None or records is None:
        told = f"its problems x {n} traces of at most {longest:,} tokens; {NO_RATE}"
        return Outlook(step.name, "sample", None, told)
    bound, each = records * longest, _tokens_each(case, step)
    told = f"{asked:,} problems x {n} = {records:,} traces, at most {bound:,} tokens"
    tokens = None if each is None else round(records * each)
    told += "" if each is None else f", about {tokens:,} at the {each:.0f} each measured before"
    rate = _rate(case, step)
    hours = _hours(bound if tokens is None else tokens, rate)
    told += f"; {_said(hours, rate, 'at most' if tokens is None else 'about')}"
    return Outlook(step.name, "sample", records, told, bound, tokens, each, None, rate, hours)


def _train(case: Case, step: Step, before: dict[str, Outlook]) -> Outlook:
    made = case.store.made.get(step.name)
    if made is not None:
        counts = made.item.counts
        told = f"{counts['examples']:,} examples, {counts['updates']:,} updates: made already by "
        told += str(made.run.folder)
        return Outlook(step.name, "train", counts["examples"], told, made_by=str(made.run.folder))
    settings, count = case.settings(step), most(case, step)
    fixed = settings.updates is not None
    if count is None and not fixed:
        epochs = settings.trainer["num_train_epochs"]
        told = f"{epochs:g} epochs of what is left to train on; {NO_RATE}"
        return Outlook(step.name, "train", None, told)
    if settings.group:
        return _sampling(case, step, settings, count)
    updates = total_updates(settings, max(1, count or 1))
    least = "" if fixed else "at most "
    told = f"{least}{updates:,} updates of {settings.batch} examples"
    told += "" if count is None else f" (of at most {count:,})"
    each, rate = _learned_each(case, step, before), _rate(case, step)
    tokens = None if each is None else round(updates * settings.batch * each)
    hours = None if tokens is None else _hours(tokens, rate)
    told += "" if tokens is None else f", about {tokens:,} tokens with loss"
    told += f"; {_said(hours, rate if tokens else None, 'about')}"
    records = updates * settings.batch
    return Outlook(step.name, "train", records, told, None, tokens, each, None, rate, hours)


def _score(case: Case, step: Step, before: dict[str, Outlook]) -> Outlook:
    made = case.store.made.get(step.name)
    if made is not None:
        count, place = int(made.item.counts["out"]), str(made.run.folder)
        told = f"{count:,} traces scored: made already by {place}"
        return Outlook(step.name, "score", count, told, made_by=place)
    under = " and ".join(step.roles[role] for role in KINDS[step.config["kind"]].roles)
    records, each, rate = most(case, step), _learned_each(case, step, before), _rate(case, step)
    if records is None:
        return Outlook(step.name, "score", None, f"its traces under {under}; {NO_RATE}")
    tokens = None if each is None else round(records * each)
    hours = None if tokens is None else _hours(tokens, rate)
    told = f"at most {records:,} traces under {under}"
    told += "" if tokens is None else f", about {tokens:,} tokens"
    told += f"; {_said(hours, rate if tokens else None, 'about')}"
    return Outlook(step.name, "score", records, told, None, tokens, each, None, rate, hours)


def _sampling(case: Case, step: Step, settings: TrainSettings, count: int | None) -> Outlook:
    """A step that samples while it trains: what it samples, at most."""
    updates = total_updates(settings, max(1, count or 1))
    completions = problems_asked(settings, updates) * settings.group
    bound, rate = completions * settings.longest, _rate(case, step)
    hours = _hours(bound * settings.reused, rate)
    told = f"{updates:,} updates of {settings.batch} completions, at most {bound:,} tokens sampled"
    told += f"; {_said(hours, rate, 'at most')}"
    return Outlook(step.name, "train", completions, told, bound, None, None, None, rate, hours)


def _learned_each(case: Case, step: Step, before: dict[str, Outlook]) -> float | None:
    """Tokens of an answer, as its traces are measured; nothing is guessed of solutions."""
    for one in case.plan.lineage(step.name):
        known = before.get(one.name)
        if one.stage == "sample" and known is not None:
            drawn = known.tokens and known.records and known.tokens / known.records
            return known.tokens_each or drawn
    return None


def _tokens_each(case: Case, step: Step) -> float | None:
    """Mean tokens of the responses that this model gave before under this limit."""
    tokens = traces = 0
    for run, plan in case.store.runs:
        for name, item in run.items.items():
            old = plan.steps.get(name)
            if old is not None and old.stage == "sample" and _alike(case, step, plan, old):
                tokens += int(item.counts["tokens"])
                traces += int(item.counts["out"])
    return tokens / traces if traces else None


def _alike(case: Case, step: Step, plan: Plan, old: Step) -> bool:
    """Whether an earlier sample step asked the same model, under the same limit."""
    same_limit = old.config["sampling"]["max_tokens"] == step.config["sampling"]["max_tokens"]
    if not same_limit or step.name.startswith("eval/") != old.name.startswith("eval/"):
        return False
    return _model(case.plan, step, trained=True) == _model(plan, old, trained=True)


def _rate(case: Case, step: Step) -> float | None:
    """Tokens per second of a device (or CPU process), over all earlier runs of this model here."""
    tokens = seconds = 0.0
    for run, plan in case.store.runs:
        path = run.folder / "ledger.json"
        rows = read_json(path)["rows"] if path.is_file() else []
        for row in rows:
            old = plan.steps.get(row["step"])
            if old is None or old.stage != step.stage:
                continue
            if _model(plan, old) == _model(case.plan, step) and _kind(old) == _kind(step):
                tokens += row.get(DOES[step.stage], 0)
                seconds += row["seconds"]
    return tokens / seconds if tokens and seconds else None


def _kind(step: Step) -> tuple[Any, ...]:
    """What makes one training or scoring as costly per token as another."""
    config = step.config
    if step.stage == "score":
        return (config["kind"],)
    if step.stage != "train":
        return ()
    return config["objective"], config["lora"] is None, config["dtype"]


def _model(plan: Plan, step: Step, *, trained: bool = False) -> tuple[str, ...]:
    """A model's origin in words; `trained`: with the steps that trained it, for those say what it
    writes but not how fast."""
    name = next(step.roles[role] for role in ("init", "model", "positive") if role in step.roles)
    taught: list[str] = []
    while plan.steps[name].stage in ("train", "prompted"):
        one = plan.steps[name]
        if trained:
            taught.append(str(one.config))
        name = one.roles["init" if one.stage == "train" else "model"]
    config = plan.steps[name].config
    origin = {key: value for key, value in config.items() if key != "prompt"}
    return (*taught, plan.steps[name].stage, str(sorted(origin.items(), key=str)))


def _hours(tokens: int, rate: float | None) -> float | None:
    return None if rate is None else tokens / rate / 3600


def _said(hours: float | None, rate: float | None, how: str) -> str:
    if hours is None or rate is None:
        return NO_RATE
    return f"{how} {_time(hours)} at the {rate:,.0f} tokens/s measured here"


def _time(hours: float) -> str:
    """Time of one device (or CPU process), to be read."""
    if hours < 1 / 60:
        return f"{hours * 3600:.0f} device-seconds"
    return f"{hours:.1f} device-hours" if hours >= 1 else f"{hours * 60:.0f} device-minutes"


def _total(found: list[Outlook]) -> str:
    todo = [one for one in found if one.made_by is None]
    bounds = [one.tokens_at_most for one in todo if one.stage == "sample" or one.tokens_at_most]
    known = [one for one in bounds if one is not None]
    told = f"in all: {len(todo)} of {len(found)} such steps to do"
    if bounds:
        more = "" if len(known) == len(bounds) else f", and {len(bounds) - len(known)} not known"
        told += f"; at most {sum(known):,} tokens to sample{more}" if known else ""
    hours = [one.device_hours for one in todo]
    measured = [one for one in hours if one is not None]
    if measured:
        rest = len(hours) - len(measured)
        told += f"; {_time(sum(measured))}"
        told += f", and {rest} steps without a rate" if rest else ""
    return told
