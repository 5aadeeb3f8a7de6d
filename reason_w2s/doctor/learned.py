"""Checks what the loss would see: whole answers, their ends, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from reason_w2s.doctor.case import Case, failed
from reason_w2s.doctor.finding import Fact, Finding, Said, Severity, Unchecked
from reason_w2s.doctor.material import Material
from reason_w2s.errors import ConfigError, DataError, W2SError
from reason_w2s.recipe.plan import Step
from reason_w2s.runs.cautions import CUT
from reason_w2s.train import guards
from reason_w2s.train.config import Answer, Data, Example, PairExample, VerdictExample
from reason_w2s.train.examples import end_id
from reason_w2s.train.guards import CLOSE, OPEN

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MARKS = re.compile(
    r"<[|\uff5c][^|\uff5c<>\s]{1,30}[|\uff5c]>|<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>|</?s>"
)
"""What chat templates call turns, whoever's they are."""
REFUSED = "the run checks the same before this step's first update, and stops"


def rows(case: Case) -> Iterator[Said]:
    """The template keeps the reasoning, the end token is learned, the prompt is not."""
    for step in case.written():
        try:
            made, found = case.rows(step), case.material(step)
        except W2SError as error:
            yield failed(error, case.at(step), REFUSED)
            continue
        if made is None:
            yield Unchecked(f"what '{step.name}' learns, in tokens", _why(case, step))
            continue
        yield from _guarded(case, step, made, found)


def ends(case: Case) -> Iterator[Said]:
    """Answers that were cut teach no end: a student of many of them does not stop."""
    for step in case.written():
        found = _real(case, step)
        if found is None or case.settings(step).by.head:
            continue
        answers = [one for one in answers_of(found.data, wanted=True)]
        cut = sum(not one.ends for one in answers)
        if cut > CUT * len(answers):
            yield Finding(
                f"{cut:,} of {len(answers):,} answers were cut, so no end token follows them "
                f"({found.told})",
                case.at(step, "of"),
                "students of cut answers do not learn to stop",
                "keep what ended by itself: select where: {finish_reason: stop}",
                "warning",
            )


def marks(case: Case) -> Iterator[Said]:
    """Tokens of a chat template, written as text in what is learned."""
    for step in case.written():
        found = _real(case, step)
        if found is None:
            continue
        teachers = case.teachers(step)
        tokenizer = case.models.tokenizer(step.roles["init"])
        own = special(tokenizer)
        others = {mark for name in teachers for mark in special(case.models.tokenizer(name))}
        yield from _marked(case, step, found, own, others)


def tokenizers(case: Case) -> Iterator[Said]:
    """Whether teacher and student are of one family, and read text alike."""
    for step in case.trains():
        init = step.roles["init"]
        for name in case.teachers(step):
            if case.models.root(name).name == case.models.root(init).name:
                continue
            both = f"{case.models.called(name)} teaches {case.models.called(init)}"
            theirs, own = case.models.tokenizer(name), case.models.tokenizer(init)
            if theirs is None or own is None:
                yield Unchecked(f"whether tokenizers agree where {both}", "not both are here")
                continue
            same = theirs.get_vocab() == own.get_vocab()
            families = [
                str((case.models.config(one) or {}).get("model_type")) for one in (name, init)
            ]
            told = "one tokenizer" if same else "other tokenizers: learned from text, not from ids"
            kinds = " and ".join(dict.fromkeys(families))
            yield Fact(
                "tokenizers",
                f"{step.name}: {both} ({kinds}); {told}",
                {"step": step.name, "same": same},
            )


def answers_of(data: Data, *, wanted: bool = False) -> Iterator[Answer]:
    """Every answer; of pairs both sides, or only the `wanted` ones."""
    for one in data:
        if isinstance(one, PairExample):
            yield one.chosen
            if not wanted:
                yield one.rejected
        elif isinstance(one, Example) or (
            isinstance(one, VerdictExample) and (one.wanted or not wanted)
        ):
            yield one.answer


def special(tokenizer: PreTrainedTokenizerBase | None) -> set[str]:
    """The tokens of a tokenizer that mean something else than their text, thoughts' marks aside."""
    if tokenizer is None:
        return set()
    added = tokenizer.added_tokens_decoder.values()
    named = {*tokenizer.all_special_tokens, *(one.content for one in added if one.special)}
    return {str(one) for one in named} - {OPEN, CLOSE}


def _real(case: Case, step: Step) -> Material | None:
    """A step's material where somebody else wrote it; errors are said by `rows`."""
    try:
        found = case.material(step)
    except W2SError:
        return None
    return found if found.measured and found.data else None


def _why(case: Case, step: Step) -> str:
    init = step.roles["init"]
    place = case.models.place(init)
    if place.folder is None and case.models.tokenizer(init) is None:
        return f"the tokenizer of {case.models.called(init)} is not here"
    if case.models.prompt(init) is None:
        return f"{case.models.called(init)} says nothing of how it is asked"
    return "it has no examples yet"


def _guarded(
    case: Case, step: Step, made: list[dict[str, list[int]]], found: Material
) -> Iterator[Said]:
    init = step.roles["init"]
    prompt, tokenizer = case.models.prompt(init), case.models.tokenizer(init)
    assert prompt is not None, step.name
    assert tokenizer is not None, step.name
    folder = case.models.place(init).folder
    end_token = end_id(tokenizer)
    stops = frozenset() if end_token is None else frozenset({end_token})
    if folder is not None:
        try:
            stops = guards.stops_of(folder, tokenizer)
        except ConfigError as error:
            yield Unchecked(f"the end tokens of '{init}'", str(error))
    try:
        guards.check_rows(made, cast("guards.Data", found.data), prompt, tokenizer, stops=stops)
    except DataError as error:
        yield _refused(case, step, error, found)
        return
    end = "nothing" if end_token is None else repr(tokenizer.decode([end_token]))
    told = f"{step.name}: whole answers are learned, and end in {end} (looked at: {found.told})"
    yield Fact("rows", told, {"step": step.name, "looked_at": len(made), "origin": found.origin})


def _refused(case: Case, step: Step, error: DataError, found: Material) -> Finding:
    """Before all choices were made, some of what is refused may still be dropped."""
    said = failed(error, case.at(step), REFUSED)
    what = f"{said.what} [{found.told}]"
    chosen = found.exact or found.origin == "made up"
    severity: Severity = "error" if chosen else "warning"
    why = said.why if chosen else f"unless a later step drops them, {said.why}"
    return Finding(what, said.where, why, said.todo, severity)


def _marked(
    case: Case, step: Step, found: Material, own: set[str], others: set[str]
) -> Iterator[Finding]:
    texts = [one.text for one in answers_of(found.data)]
    held = [mark for text in texts for mark in {*MARKS.findall(text), *_held(text, own | others)}]
    if not held:
        return
    count = sum(bool(MARKS.search(text)) or bool(_held(text, own | others)) for text in texts)
    names = sorted(set(held))
    control = [name for name in names if name in own]
    why = (
        f"the student's tokenizer reads {control[0]} as that token, not as its text"
        if control
        else "the student learns to write another model's turns as text"
    )
    yield Finding(
        f"{count:,} of {len(texts):,} answers hold {', '.join(names[:3])} as text ({found.told})",
        case.at(step, "of"),
        why,
        "drop them before training, or cut them out of the imported file",
        "warning",
    )


def _held(text: str, marks: set[str]) -> set[str]:
    return {mark for mark in marks if mark in text}
