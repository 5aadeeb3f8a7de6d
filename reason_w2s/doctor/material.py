"""What a train step would learn from, or the nearest thing to it that is here already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Literal

from reason_w2s.doctor.choosing import chosen, narrowed, paired, source
from reason_w2s.doctor.models import Models
from reason_w2s.doctor.sets import Sets
from reason_w2s.doctor.stored import Stored
from reason_w2s.prompts import render
from reason_w2s.prompts.view import EXAMPLE
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.recipe.rules import problem_sets
from reason_w2s.records import Problem, Row
from reason_w2s.runs import rows
from reason_w2s.runs.makers.trained import examples
from reason_w2s.stages.statement import statement, statement_in
from reason_w2s.stages.train import TrainConfig, from_pairs, from_solutions, from_traces
from reason_w2s.train.config import (
    Answer,
    Data,
    Example,
    PairExample,
    ValueExample,
    VerdictExample,
)
from reason_w2s.train.guards import CLOSE, OPEN

SAMPLE = 400
"""Examples looked at, evenly spaced over all of them."""
THOUGHT = "Okay, 3 apples and 4 more are one sum: 3 + 4 = 7. Let me check: 7 - 4 = 3, right."
SAID = "He has 3 + 4 = 7 apples.\nThe answer is \\boxed{7}."
WRONG = "He has 3 * 4 = 12 apples.\nThe answer is \\boxed{12}."

Origin = Literal["stored", "drawn", "imported", "gold", "made up"]


@dataclass(frozen=True, slots=True)
class Material:
    """Examples, and where they are from.

    stored: the very examples of the step, or what its choices come to. drawn, imported: traces of
    an earlier step, before all choices were made. gold: gold solutions; where the step learns from
    those, the very examples.
    made up: a reasoning trace written here, in the form the teacher's prompt asks for.
    count: how many examples the step has, where that is known.
    """

    data: Data
    origin: Origin
    told: str
    count: int | None = None

    @property
    def exact(self) -> bool:
        """Whether the step learns from these and no others."""
        return self.count is not None

    @property
    def measured(self) -> bool:
        """Whether lengths say something: nobody wrote them for this."""
        return self.exact or self.origin in ("drawn", "imported")


def material(step: Step, plan: Plan, store: Stored, sets: Sets, models: Models) -> Material:
    """The best there is for a train step.

    Raises:
        DataError: a file is here, but not as the recipe says.
    """
    config = TrainConfig.model_validate(step.config)
    if all(name in store.made for name in step.of):
        return _stored(step, store, config)
    if config.by.learns == "problems":
        return _problems(step, sets)
    if config.target == "solution":
        found = _gold(step, sets)
        if found is not None:
            return found
    pairs = plan.steps[step.of[0]].kind == "pairs" and config.side is None
    found = (
        _chosen(step, plan, store, config)
        or _drawn(step, plan, store, pairs)
        or _imported(step, plan, sets, pairs)
        or _made_up(step, plan, sets, models, pairs)
    )
    if config.by.learns == "values":
        return _valued(found)
    return found if config.label is None else _wanted(found)


def _valued(found: Material) -> Material:
    """Answers to be given numbers, before any is known."""
    data = [
        ValueExample(one.problem, one.answer, 0.0) for one in found.data if isinstance(one, Example)
    ]
    return replace(found, data=data, count=None)


def _wanted(found: Material) -> Material:
    """Answers as verdicts, before any is given: how many there will be of each nobody knows."""
    data = [
        VerdictExample(one.problem, one.answer, True)
        for one in found.data
        if isinstance(one, Example)
    ]
    return replace(found, data=data, count=None)


def spread(data: Data) -> Data:
    """At most `SAMPLE` of them, evenly spaced, the first included."""
    every = max(1, -(-len(data) // SAMPLE))
    return data[::every]


def _stored(step: Step, store: Stored, config: TrainConfig) -> Material:
    made = [store.made[name] for name in step.of]
    found = examples(made[0].run.store, [one.item for one in made], config)
    return Material(spread(found), "stored", f"its examples in {made[0].run.folder}", len(found))


def _problems(step: Step, sets: Sets) -> Material:
    """What is asked while it trains."""
    loaded = [sets.problems(name) for name in step.of]
    asked = [problem for one in loaded for problem in one.problems or []]
    if not asked:
        return Material([EXAMPLE], "made up", "a made-up problem")
    whole = all(one.whole for one in loaded)
    return Material(spread(asked), "stored", "its problems", len(asked) if whole else None)


def _gold(step: Step, sets: Sets) -> Material | None:
    loaded = [sets.problems(name) for name in step.of]
    asked = [problem for one in loaded for problem in one.problems or []]
    if not asked:
        return None
    whole = all(one.whole for one in loaded)
    found = list(from_solutions(asked))
    return Material(spread(found), "gold", "gold solutions", len(found) if whole else None)


def _chosen(step: Step, plan: Plan, store: Stored, config: TrainConfig) -> Material | None:
    """The step's examples, where only choices are missing."""
    found: list[Example] | list[PairExample] = []
    if len(step.of) != 1:
        return None
    (name,) = step.of
    pairs = paired(name, plan, store)
    if pairs is not None and config.side is None:
        found = list(from_pairs(*pairs, config.scores))
    elif pairs is not None:
        sides = [pairs[1][getattr(one, str(config.side))] for one in pairs[0]]
        found = list(from_traces(sides, config.target))
    else:
        traces = chosen(name, plan, store)
        found = list(from_traces(traces or [], config.target))
    if not found:
        return None
    told = f"its examples, chosen here from {source(name, plan, store)}"
    return Material(spread(found), "stored", told, len(found))


def _drawn(step: Step, plan: Plan, store: Stored, pairs: bool) -> Material | None:
    """The traces of the nearest step before it that the store has."""
    for other in plan.lineage(step.name):
        made = store.made.get(other.name)
        if made is not None and other.kind == "traces":
            told = f"traces of '{other.name}' in {made.run.folder}, before all choices were made"
            left = narrowed(step, plan, list(rows.rows(made.run.store, made.item)))
            found = _stating(left, step)
            return Material(spread(_paired(found) if pairs else found), "drawn", told)
    return None


def _imported(step: Step, plan: Plan, sets: Sets, pairs: bool) -> Material | None:
    names: list[str] = []
    read: list[Row] = []
    for other in plan.lineage(step.name):
        if other.stage == "import" and other.name not in names:
            known = {one.id: one for name in other.of for one in sets.problems(name).problems or []}
            traces = sets.imported(other)
            read += [Row(one, known[one.problem_id]) for one in traces]
            names += [other.name] if traces else []
    found = _stating(narrowed(step, plan, read), step)
    if not found:
        return None
    told = f"imported traces of {', '.join(names)}, before they are checked"
    return Material(spread(_paired(found) if pairs else found), "imported", told)


def _stating(found: Iterable[Row], step: Step) -> list[Example]:
    """Traces as examples before all choices are made: some may not have what is learned."""
    target = step.config["target"]
    kept = (row for row in found if target != "answer" or statement(row) is not None)
    return list(from_traces(kept, target))


def _paired(found: Iterable[Example]) -> list[PairExample]:
    """The first two different answers to each problem, as if one were chosen."""
    made = []
    ordered = sorted(found, key=lambda one: one.problem.id)
    for _, group in groupby(ordered, key=lambda one: one.problem.id):
        texts = {one.answer.text: one for one in group}
        if len(texts) > 1:
            first, second = islice(texts.values(), 2)
            made.append(PairExample(first.problem, first.answer, second.answer))
    return made


def _made_up(step: Step, plan: Plan, sets: Sets, models: Models, pairs: bool) -> Material:
    problem = next(_asked(step, plan, sets), EXAMPLE)
    # what the student learns has the form that the teacher was asked for
    teachers = [
        other.roles["model"] for other in plan.lineage(step.name) if other.stage == "sample"
    ]
    asked = next((name for name in teachers if models.tokenizer(name)), step.roles["init"])
    told = f"a made-up trace in the form that '{asked}' is asked for"
    good, bad = (_reasoned(text, asked, problem, models) for text in (SAID, WRONG))
    if problem.solution and good.text == SAID:
        # in the words of the set, which a tokenizer may know no others than
        told = "a gold solution, standing for traces that are not sampled yet"
        good, bad = Answer(problem.solution), Answer(f"{problem.solution} {problem.solution}")
    if pairs:
        return Material([PairExample(problem, good, bad)], "made up", told)
    if step.config["target"] == "answer":
        good = Answer(statement_in(good.text) or good.text)
    return Material([Example(problem, good)], "made up", told)


def _asked(step: Step, plan: Plan, sets: Sets) -> Iterator[Problem]:
    for name in sorted(problem_sets(plan, step.name)):
        yield from (sets.problems(name).problems or [])[:1]


def _reasoned(said: str, model: str, problem: Problem, models: Models) -> Answer:
    """An answer with its thought where the model's prompt, or its template, asks for one."""
    prompt, tokenizer = models.prompt(model), models.tokenizer(model)
    if prompt is None or tokenizer is None:
        return Answer(said)
    asked = render(prompt, problem, tokenizer).text
    if asked.rfind(OPEN) > asked.rfind(CLOSE):
        return Answer(f"{THOUGHT}\n{CLOSE}\n\n{said}")
    # templates that know thoughts are those of models that open them by themselves
    thinks = prompt.chat and CLOSE in str(tokenizer.chat_template) and CLOSE not in asked
    return Answer(f"{OPEN}\n{THOUGHT}\n{CLOSE}\n\n{said}" if thinks else said)
