"""What an export holds: a step's records, in the format that was asked for or that fits them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from reason_w2s import prompts
from reason_w2s.errors import ConfigError
from reason_w2s.export import formats, records
from reason_w2s.export.asking import Asking, Form
from reason_w2s.export.formats import Format
from reason_w2s.prompts import Prompt
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.recipe.rules import GoldUse, problem_sets
from reason_w2s.recipe.yaml_file import nearest
from reason_w2s.records import Row
from reason_w2s.runs import rows
from reason_w2s.runs.items import Item
from reason_w2s.runs.results import asked
from reason_w2s.runs.run import Run
from reason_w2s.stages.table import STAGES
from reason_w2s.stages.train import from_pairs, from_solutions, from_traces
from reason_w2s.train.config import Example, PairExample
from reason_w2s.train.objectives import OBJECTIVES, Learns

FITTING: dict[str, tuple[Format, ...]] = {
    "problems": ("records", "sft"),
    "traces": ("sft", "records", "kto", "stepwise"),
    "pairs": ("dpo", "records", "kto"),
}
"""What a kind of records can be exported as; the first is meant where nothing is said."""

FORMATS: dict[Learns, Format] = {"answers": "sft", "pairs": "dpo"}
LABELS: dict[Format, str] = {"kto": "correct", "stepwise": "first_error"}
"""The column that a format's labels are read from, where only one step made such a column."""

LABELLED: dict[Format, str] = {
    "kto": "kto labels whole answers as true or false",
    "stepwise": "stepwise needs the number of the first wrong step, as stepcheck finds it",
}
"""What a column of labels must hold."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for; None: what fits the step."""

    format: Format | None = None
    form: Form | None = None
    prompt: str | None = None
    label: str | None = None


@dataclass
class Export:
    """Rows on their way out. `left_out` (reason -> count) and `cut` are known once all were read.

    step: what was asked for. data: the steps whose records these are; for a train step, those it
    learned from. label: the column the labels were read from. target: a train step's. wrong: of
    sft, the columns of checks upstream, with how many of these answers each calls wrong. cut:
    answers that a token limit ended.
    """

    step: str
    data: tuple[str, ...]
    format: Format
    asking: Asking
    schema: pa.Schema
    read: Callable[[], Iterator[dict[str, Any]]]
    label: str | None = None
    target: str | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    cut: int = 0

    @property
    def learned(self) -> bool:
        """Whether this is what a train step learned from."""
        return self.data != (self.step,)


def open_export(run: Run, plan: Plan, name: str, wish: Wish) -> Export:
    """The rows of a step, not read yet.

    Raises:
        ConfigError: no such step, or a format, prompt or label that does not fit it.
    """
    item, step = run.item(name), plan.steps[name]
    if item.kind == "model":
        return _learned(run, plan, step, wish)
    format = _format(name, item.kind, wish.format)
    asking = _asking(run, format, wish)
    schema = records.schema(item) if format == "records" else formats.schema(format, asking)
    export = Export(name, (name,), format, asking, schema, lambda: iter(()))
    if format == "records":
        export.read = lambda: records.records(run, name, export.schema)
    elif format in LABELS:
        export.label = None if item.kind == "pairs" else _label(plan, item, format, wish.label)
        export.read = lambda: _labelled(run, item, export)
    else:
        export.read = lambda: _examples(run, (item,), export, side=None)
    return export


def _learned(run: Run, plan: Plan, step: Step, wish: Wish) -> Export:
    """What a train step learned from, asked as it was asked there."""
    if step.stage != "train":
        raise ConfigError(
            f"{step.name}: is a model; only what a train step learned can be exported"
        )
    format = FORMATS.get(OBJECTIVES[step.config["objective"]].learns)
    if format is None:
        raise ConfigError(
            f"{step.name}: what {step.config['objective']} learns is not exported as it is; export "
            f"'{', '.join(step.of)}'"
        )
    if wish.format not in (None, format) or wish.prompt is not None:
        raise ConfigError(
            f"{step.name}: what a train step learned is {format} with its model's prompt; for "
            f"another format or prompt export '{', '.join(step.of)}'"
        )
    model = run.item(step.name).reference()
    form, tokenizer = wish.form or "text", None
    if form == "text" and model.asked().chat:
        from reason_w2s.engines.model_folder import load_tokenizer

        tokenizer = load_tokenizer(run.item(step.name).folder())
    asking = Asking(form, model.asked(), tokenizer)
    schema = formats.schema(format, asking)
    export = Export(step.name, step.of, format, asking, schema, lambda: iter(()))
    items = tuple(run.item(name) for name in step.of)
    export.target = step.config.get("target")
    export.read = lambda: _examples(run, items, export, side=step.config.get("side"))
    return export


def _format(name: str, kind: str, wished: Format | None) -> Format:
    fitting = FITTING[kind]
    if wished is not None and wished not in fitting:
        raise ConfigError(f"{name}: {kind} have no format '{wished}'; use {' or '.join(fitting)}")
    return wished or fitting[0]


def _asking(run: Run, format: Format, wish: Wish) -> Asking:
    prompt = None if wish.prompt is None else named_prompt(run, wish.prompt)
    if format == "stepwise" and wish.form == "messages":
        raise ConfigError("stepwise supervision is text in TRL; leave out --as messages")
    plain = prompt is not None and not prompt.chat
    form: Form = wish.form or ("text" if plain or format == "stepwise" else "messages")
    if form == "text" and prompt is None and format in formats.TRAINERS:
        raise ConfigError(
            "as text, something must stand between question and answer: name a prompt (--prompt "
            f"{' | '.join(prompts.names())}), or export --as messages"
        )
    return Asking(form, prompt)


def named_prompt(run: Run, name: str) -> Prompt:
    """A prompt of the run's recipe, or one that ships with the package.

    Raises:
        ConfigError: there is none of that name.
    """
    recipe, _ = asked(run)
    own = (recipe.get("prompts") or {}).get(name)
    if own is None and name not in prompts.names():
        raise ConfigError(f"--prompt: unknown prompt '{name}'{nearest(name, prompts.names())}")
    return prompts.load(name) if own is None else Prompt.model_validate(own)


def _label(plan: Plan, item: Item, format: Format, wished: str | None) -> str:
    """The column that says what is good: the one named, or the only one there is.

    Raises:
        ConfigError: there is none, or it reads gold that may decide nothing.
    """
    label = _labelling(item, format, wished)
    for use in label_gold(plan, label):
        labels = plan.steps[use.problems].labels
        if labels != "gold":
            raise ConfigError(
                f"--label {label}: reads gold answers of '{use.problems}', which has labels: "
                f"{labels}; only labels: gold may decide what is trained on"
            )
    return label


def label_gold(plan: Plan, label: str | None) -> set[GoldUse]:
    """The gold that a label column was made from."""
    maker, _, column = (label or "").rpartition(".")
    if maker not in plan.steps or column not in STAGES[plan.steps[maker].stage].gold:
        return set()
    return {GoldUse(name, "answers") for name in problem_sets(plan, maker)}


def _labelling(item: Item, format: Format, wished: str | None) -> str:
    there = records.columns(item)
    fitting = [name for name in there if name.rpartition(".")[2] == LABELS[format]]
    if wished is None and len(fitting) == 1:
        return fitting[0]
    if wished is None:
        found = " and ".join(fitting) or "no step made one"
        raise ConfigError(
            f"{item.step}: {format} reads its labels from a column .{LABELS[format]} ({found}): "
            f"name it with --label"
        )
    if format == "kto":
        fitting = [name for name, type_ in there.items() if type_ == pa.bool_()]
    if wished not in fitting:
        what = "does not hold such" if wished in there else "is no column here"
        choice = f"use {' or '.join(fitting)}" if fitting else "no step made such a column"
        raise ConfigError(f"--label {wished}: {LABELLED[format]}; this {what}: {choice}")
    return wished


def _examples(
    run: Run, items: tuple[Item, ...], export: Export, side: str | None
) -> Iterator[dict[str, Any]]:
    """Rows of sft or dpo."""
    for item in items:
        if item.kind == "pairs" and side is None:
            for pair in from_pairs(*run.pairs(item.step)):
                yield formats.dpo_row(_seen_pair(pair, export), export.asking)
        else:
            for example in _answers(run, item, export, side):
                yield formats.sft_row(_seen(example, export), export.asking)


def _answers(run: Run, item: Item, export: Export, side: str | None) -> Iterator[Example]:
    if item.kind == "problems":
        yield from from_solutions(rows.problems(run.store, item))
    elif item.kind == "pairs":
        found, named = run.pairs(item.step)
        chosen = (named[getattr(pair, str(side))] for pair in found)
        yield from from_traces(_checked(chosen, export), export.target)
    elif export.learned:
        yield from from_traces(_checked(run.rows(item.step), export), export.target)
    else:
        generated = (row for row in run.rows(item.step) if _generated(row, export))
        yield from from_traces(_checked(generated, export))


def _checked(found: Iterable[Row], export: Export) -> Iterator[Row]:
    """The same rows, counted by what checks upstream say."""
    for row in found:
        for column, value in row.columns.items():
            if column.endswith(".correct"):
                export.wrong[column] += value is False
        yield row


def _labelled(run: Run, item: Item, export: Export) -> Iterator[dict[str, Any]]:
    """Rows of kto or stepwise."""
    if item.kind == "pairs":
        yield from _sides(run, item, export)
        return
    assert export.label is not None, item.step
    for row in run.rows(item.step):
        value = row.columns.get(export.label)
        if not _generated(row, export):
            continue
        (example,) = from_traces([row])
        if export.format == "stepwise" and example.answer.text.strip():
            ends = row.columns[f"{export.label.rpartition('.')[0]}.ends"]
            yield formats.stepwise_row(_seen(example, export), ends, value, export.asking)
        elif export.format == "kto" and value is not None:
            yield formats.kto_row(_seen(example, export), value, export.asking)
        else:
            reason = "it has no steps" if export.format == "stepwise" else "it has no label"
            export.left_out[reason] += 1


def _sides(run: Run, item: Item, export: Export) -> Iterator[dict[str, Any]]:
    """Both sides of all pairs, each answer once."""
    found, named = run.pairs(item.step)
    sides = {(one.chosen, True): None for one in found} | {
        (one.rejected, False): None for one in found
    }
    for key, good in sides:
        (example,) = from_traces([named[key]])
        yield formats.kto_row(_seen(example, export), good, export.asking)


def _generated(row: Row, export: Export) -> bool:
    """Whether there is a response: the text of a failed one is the engine's message."""
    if row.trace.finish_reason == "error":
        export.left_out["its generation failed"] += 1
        return False
    return True


def _seen(example: Example, export: Export) -> Example:
    export.cut += not example.answer.ends
    return example


def _seen_pair(pair: PairExample, export: Export) -> PairExample:
    export.cut += (not pair.chosen.ends) + (not pair.rejected.ends)
    return pair
