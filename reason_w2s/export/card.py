"""The data set's card: what the hub reads, then where every row comes from."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

from ruamel.yaml import YAML

from reason_w2s.export import lineage
from reason_w2s.export.formats import TRAINERS, TRL_TYPES
from reason_w2s.export.source import Export, label_gold
from reason_w2s.export.write import DATA
from reason_w2s.recipe.plan import Plan
from reason_w2s.recipe.rules import GoldUse, gold_use
from reason_w2s.runs.environment import environment
from reason_w2s.runs.labels import count_gold
from reason_w2s.runs.results import asked
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import read_json

REASONING = (
    "**Reasoning can get lost here.** The rows are chat messages, and some chat templates "
    "(DeepSeek-R1-Distill's) delete everything up to `</think>` from assistant turns, others "
    "(Qwen3's) rewrite it or keep it in the last turn only: a trainer may learn from the answers "
    "alone. Look at one rendered row before "
    "training, or export `--as text`, which no template touches."
)


def card(run: Run, plan: Plan, export: Export, rows: int, license: str) -> str:
    """The README of an export of `rows` rows."""
    recipe, _ = asked(run)
    parts = [
        _head(plan, export, license),
        f"# {plan.name}: {export.step}",
        "\n".join(_what(plan, export, rows)),
        "## Where the rows come from",
        _table(("step", "stage", "in", "out", "dropped"), _waterfall(run, plan, export)),
        "## Models",
        "\n".join(_models(run, plan, export.data)) or "None.",
        "## Gold labels",
        _gold(run, plan, export),
        "## Made with, as installed at the time of this export",
        "\n".join(_versions(run)),
        "## Recipe",
        f"{plan.title}\n\n```yaml\n{_yaml(lineage.without_places(recipe))}```",
    ]
    return "\n\n".join(parts) + "\n"


def _head(plan: Plan, export: Export, license: str) -> str:
    data = {
        "license": license,
        "pretty_name": f"{plan.name} {export.step}",
        "task_categories": ["text-generation"],
        "tags": ["reason-w2s", "reasoning", "weak-to-strong", export.format],
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": str(DATA)}]}
        ],
    }
    return f"---\n{_yaml(data)}---"


def _what(plan: Plan, export: Export, rows: int) -> Iterator[str]:
    step = plan.steps[export.step]
    learned = "what the training step learned from" if export.learned else "the step's records"
    yield f"{rows:,} rows: {learned} ({step.stage} `{step.name}`), exported by reason-w2s."
    yield f"\nColumns: {', '.join(f'`{name}`' for name in export.schema.names)}."
    if export.format in TRL_TYPES:
        yield f"These are TRL's columns for {TRL_TYPES[export.format]}{_trainer(export)}."
    if export.label is not None:
        yield f"Labels come from the column `{export.label}`."
    if export.format == "stepwise":
        yield (
            "A step is a line. A false label is an equation that was computed and is wrong; a true "
            "one says only that no wrong equation was found."
        )
    yield from _caveats(export, rows)


def _trainer(export: Export) -> str:
    trainer = TRAINERS.get(export.format)
    return f" (`{trainer}`)" if trainer else ""


def _caveats(export: Export, rows: int) -> Iterator[str]:
    if export.left_out:
        counts = ", ".join(f"{reason} ({count:,})" for reason, count in export.left_out.items())
        yield f"\nLeft out: {counts}."
    for column, count in export.wrong.items():
        yield f"\n{count:,} of the {rows:,} answers are wrong, says the check column `{column}`."
    if export.format in TRAINERS and export.cut:
        yield (
            f"\n{export.cut:,} answers were cut by a token limit and never ended. TRL puts the end "
            f"token after every answer, so a trainer teaches these to stop where they were cut."
        )
    if export.format in TRAINERS and export.asking.form == "messages":
        yield f"\n{REASONING}"
    if export.asking.prompt is not None:
        yield f"\nAsked with:\n\n```yaml\n{_yaml(export.asking.prompt.model_dump(mode='json'))}```"


def _waterfall(run: Run, plan: Plan, export: Export) -> Iterator[tuple[str, ...]]:
    for item in lineage.made_from(run, plan, export.data):
        counts = item.counts
        if item.kind == "model" and plan.steps[item.step].stage != "train":
            continue
        dropped = counts.get("dropped") or {}
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items())
        out = counts.get("pairs", counts.get("out"))
        yield (item.step, item.stage, _number(counts.get("in")), _number(out), reasons)


def _models(run: Run, plan: Plan, names: tuple[str, ...]) -> Iterator[str]:
    for model in lineage.models(run, plan, names):
        asked = model["prompt"] or {}
        said = f", asked with `{asked.get('template')!r}`" if asked else ""
        yield f"- `{model['name']}`: {model['origin']} (fingerprint {model['fingerprint']}){said}"
    for drawn in lineage.sampling(run, plan, names):
        settings = ", ".join(f"{key} {value}" for key, value in drawn["settings"].items())
        yield f"- `{drawn['step']}`: sampled from `{drawn['model']}` with {settings}"
    for step in sorted(plan.needed(names)):
        if plan.steps[step].stage == "import":
            config = plan.steps[step].config
            files = ", ".join(map(str, lineage.without_places({"file": config["file"]})["file"]))
            by = config["model"] or "named in each row"
            yield f"- `{step}`: written elsewhere, by {by}, in {files}"


def _gold(run: Run, plan: Plan, export: Export) -> str:
    uses = label_gold(plan, export.label).union(*(gold_use(plan, name) for name in export.data))
    solved = [name for name in export.data if run.item(name).kind == "problems"]
    if export.format == "sft":
        uses |= {GoldUse(name, "solutions") for name in solved}
    counted = count_gold(run, uses)
    lines = [
        f"The choice of these rows rests on {counted['answers']:,} gold answers and "
        f"{counted['solutions']:,} gold solutions (distinct problems), counted from the recipe."
    ]
    lines += [
        f"- `{name}`: {', '.join(f'{count:,} {what}' for what, count in used.items())}"
        for name, used in counted["sets"].items()
    ]
    if export.format == "records":
        lines.append("The records themselves carry gold answers where a problem has one.")
    lines.append("What models from elsewhere were trained on is not known.")
    return "\n".join(lines)


def _versions(run: Run) -> Iterator[str]:
    manifest = read_json(run.folder / "manifest.json")
    yield f"- run {run.folder.name}, seed {manifest['seed']}"
    for name, version in environment(manifest).items():
        yield f"- {name} {version}"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _yaml(data: Mapping[str, Any]) -> str:
    stream = io.StringIO()
    YAML().dump(dict(data), stream)
    return stream.getvalue()
