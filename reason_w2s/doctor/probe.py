"""A quick look at the headroom: what the untrained student does when it is only asked to think."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reason_w2s.answers import Kind, check
from reason_w2s.doctor.case import Case
from reason_w2s.doctor.finding import Fact, Finding, Said, Unchecked
from reason_w2s.doctor.models import complete
from reason_w2s.engines import EngineSettings, Request, Sampler, Sampling, open_sampler
from reason_w2s.engines.sizes import sized
from reason_w2s.prompts import Prompt, load, render
from reason_w2s.recipe.plan import Step
from reason_w2s.recipe.rules import problem_sets
from reason_w2s.records import Problem

MOST_TOKENS = 1024
GAIN = 0.25
"""More of the problems right by asking alone: ours, coarse, for a probe is of a few problems."""


def probe(case: Case, count: int) -> Iterator[Said]:
    """Sample `count` problems from each untrained student, with its prompt and one that asks to
    think, and grade them."""
    seen: set[str] = set()
    for step in case.trains():
        root = case.models.root(step.roles["init"])
        if root.name in seen:
            continue
        seen.add(root.name)
        folder, problems = case.models.place(root.name).folder, _problems(case, step, count)
        if folder is None or not complete(folder):
            why = case.models.place(root.name).absent or "its weights are not here"
            yield Unchecked(f"the headroom of '{root.name}'", why)
        elif not problems:
            yield Unchecked(f"the headroom of '{root.name}'", "no problems with answers are here")
        else:
            yield from _headroom(case, step, root, folder, problems)


def _headroom(
    case: Case, step: Step, root: Step, folder: Path, problems: list[Problem]
) -> Iterator[Said]:
    own, thinking = case.models.prompt(root.name), _thinking(case, root)
    if own is None:
        yield Unchecked(f"the headroom of '{root.name}'", "nothing says how it is asked")
        return
    settings = sized(case.profile.engine, folder).model_copy(
        update={"dtype": root.config.get("dtype") or EngineSettings().dtype}
    )
    sampler = open_sampler(case.profile.sampler, folder, settings)
    try:
        plain, asked = (_right(case, step, sampler, one, problems) for one in (own, thinking))
    finally:
        sampler.close()
    size = len(problems)
    told = f"{root.name}: untrained, {plain} of {size} right as it is asked, {asked} asked to think"
    yield Fact("headroom", told, {"model": root.name, "n": size, "own": plain, "thinking": asked})
    measured = {case.plan.steps[one.step].stage for one in case.plan.measured}
    if asked - plain >= GAIN * size and "prompted" not in measured:
        yield Finding(
            f"asked to think, the untrained '{root.name}' is right on {asked} of {size}, else on "
            f"{plain}",
            f"{case.place}: evaluate.models",
            "training may only elicit what asking already does, and the recipe does not measure it",
            f"add a step thinking: {{prompted: {{model: {root.name}, prompt: NAME}}}} and measure "
            "it",
            "note",
        )


def _right(
    case: Case, step: Step, sampler: Sampler, prompt: Prompt, problems: list[Problem]
) -> int:
    tokenizer = case.models.tokenizer(step.roles["init"])
    sampling = Sampling(temperature=0.0, max_tokens=_tokens(case), stop=prompt.stop)
    requests = [
        Request(str(at), render(prompt, problem, tokenizer), sampling, case.plan.seed, problem)
        for at, problem in enumerate(problems)
    ]
    kind = _kind(case)
    done = sampler.sample(requests)
    return sum(
        bool(check(one.text, problems[int(one.key)].gold or "", kind).correct) for one in done
    )


def _problems(case: Case, step: Step, count: int) -> list[Problem]:
    names = sorted(problem_sets(case.plan, step.name))
    found = [one for name in names for one in case.sets.problems(name).problems or []]
    graded = [one for one in found if one.gold is not None]
    return graded[:: max(1, len(graded) // count)][:count] if graded else []


def _thinking(case: Case, root: Step) -> Prompt:
    """The recipe's own prompt for it where it has one, else a shipped one."""
    for step in case.plan.steps.values():
        asks = step.stage == "prompted" and not step.name.startswith("eval/")
        if asks and step.config["prompt"] and case.models.root(step.name).name == root.name:
            return Prompt.model_validate(step.config["prompt"])
    tokenizer = case.models.tokenizer(root.name)
    chats = tokenizer is not None and tokenizer.chat_template is not None
    return load("zero_shot_cot" if chats else "simple")


def _tokens(case: Case) -> int:
    asked = [
        int(step.config["sampling"]["max_tokens"])
        for step in case.plan.steps.values()
        if step.stage == "sample"
    ]
    return min([MOST_TOKENS, *asked])


def _kind(case: Case) -> Kind:
    kinds = (step.config["kind"] for step in case.plan.steps.values() if step.stage == "check")
    found: Kind = next(kinds, "auto")
    return found
