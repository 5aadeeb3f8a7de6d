"""What is done with records, prompts and adapters: check, prompts, show, merge, export."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from reason_w2s import trust
from reason_w2s.commands.options import TrustRemoteCode
from reason_w2s.commands.saying import say
from reason_w2s.errors import ConfigError


class Kind(StrEnum):
    """How answers are compared."""

    auto = "auto"
    number = "number"
    latex = "latex"
    choice = "choice"
    text = "text"
    lm_eval_gsm8k_strict = "lm_eval_gsm8k_strict"
    lm_eval_gsm8k_flexible = "lm_eval_gsm8k_flexible"
    lm_eval_minerva = "lm_eval_minerva"
    hendrycks = "hendrycks"


def check(
    file: Annotated[Path, typer.Argument(help="JSONL (also .gz) or Parquet, a response per row.")],
    response: Annotated[str, typer.Option(help="Column of the responses.")] = "response",
    gold: Annotated[str, typer.Option(help="Column of the gold answers.")] = "gold",
    options: Annotated[
        str | None, typer.Option(help="Column of the multiple choice texts, lists in order.")
    ] = None,
    kind: Annotated[Kind, typer.Option(help="How answers are compared.")] = Kind.auto,
    rel_tol: Annotated[
        float, typer.Option(min=0, max=0.1, help="Numbers may differ by so much of their size.")
    ] = 0.0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write each row with its verdict, once all are there: FILE.jsonl, .jsonl.gz or "
            ".parquet."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes (default: one per core).")
    ] = None,
    audit: Annotated[
        bool, typer.Option("--audit", help="Ask math-verify for a second opinion.")
    ] = False,
    audit_rows: Annotated[
        int, typer.Option(min=0, help="On so many rows, drawn at random; 0: on all.")
    ] = 1000,
    examples: Annotated[int, typer.Option(min=0, help="Disagreements shown per class.")] = 5,
) -> None:
    """Grade the responses in a file against their gold answers.

    Says how many are correct, by status and by rule. What could not be
    compared is undecided, never wrong. --audit asks another grader too.
    """
    from reason_w2s.answers.files import command
    from reason_w2s.answers.files.table import Columns, Comparing

    parts = command.run(
        file,
        Columns(response, gold, options),
        Comparing(kind.value, rel_tol, workers),
        out,
        command.Auditing(audit_rows, examples) if audit else None,
    )
    try:
        for lines in parts:
            for line in lines:
                say(line)
    except KeyboardInterrupt as error:
        say("stopped", err=True)
        raise typer.Exit(130) from error


def prompts(
    name: Annotated[str | None, typer.Argument(help="A prompt or a file; none: list them.")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Show it in this model's chat template and tokens; alone: its own."),
    ] = None,
) -> None:
    """List the prompts, or show one asking an example problem, exactly as a model sees it."""
    from reason_w2s.prompts.view import view
    from reason_w2s.recipe.prompt_file import named

    for line in view(None if name is None else named(name), model):
        say(line)


def show(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    step: Annotated[str | None, typer.Argument(help="One of its steps; none: list them.")] = None,
    n: Annotated[int, typer.Option("-n", min=0, help="How many records.")] = 3,
    dropped: Annotated[bool, typer.Option(help="What the step dropped, instead.")] = False,
) -> None:
    """Show a run's steps, or the records of one, as they are."""
    from reason_w2s.report.records import listing, records

    if step is None and dropped:
        raise ConfigError("show --dropped: of which step? Name one: show RUN STEP --dropped")
    lines = listing(run) if step is None else records(run, step, n=n, dropped=dropped)
    for line in lines:
        say(line)


def merge(
    adapter: Annotated[Path, typer.Argument(help="A LoRA adapter's folder.")],
    out: Annotated[Path, typer.Argument(help="The folder to write; it must not be there yet.")],
    dtype: Annotated[
        Literal["bfloat16", "float32"], typer.Option(help="The precision of the result.")
    ] = "bfloat16",
    trust_remote_code: TrustRemoteCode = False,
) -> None:
    """Merge a LoRA adapter into its base: a whole model folder that anything loads."""
    from reason_w2s.train.merge import merge as merge_adapter

    trust.allow(trust_remote_code)
    say(f"merged: {merge_adapter(adapter, out, dtype)}")


def export(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    step: Annotated[
        str, typer.Argument(help="Traces, pairs, problems, or a train step: what it learned from.")
    ],
    format: Annotated[
        Literal["records", "sft", "dpo", "kto", "stepwise"] | None,
        typer.Option(help="Default: what fits the step's records."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="FILE.jsonl, .jsonl.gz or .parquet; else a folder with a card."),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="Put questions into this prompt; default: the bare question.")
    ] = None,
    form: Annotated[
        Literal["text", "messages"] | None,
        typer.Option("--as", help="Chat messages, or the text as it is learned."),
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="kto, stepwise: the labels' column, e.g. graded.correct.")
    ] = None,
    push_to_hub: Annotated[
        str | None, typer.Option(help="Also put the folder there, as a data set: OWNER/NAME.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make it a private one.")] = False,
    license: Annotated[str, typer.Option(help="The card's license: the hub's short name.")] = (
        "unknown"
    ),
) -> None:
    """Write a step's records for others: JSONL, Parquet, TRL's columns, the hub.

    sft, dpo, kto and stepwise are TRL's columns. A folder has a card with the rows' whole origin.

    Chat messages of reasoning traces can lose their reasoning: some chat templates
    (DeepSeek-R1-Distill's) delete what stands before </think> from assistant turns, others rewrite
    it. Look at a rendered row before training elsewhere, or use --as text.
    """
    from reason_w2s.export import command, write
    from reason_w2s.export.source import Wish
    from reason_w2s.runs.run import Run

    if push_to_hub is not None:
        write.repository_name(push_to_hub)
    if push_to_hub is not None and out is not None and write.is_file(out):
        raise ConfigError("--push-to-hub needs a folder: leave out --out, or give it a folder")
    wish = Wish(format, form, prompt, label)
    opened, place, rows = command.export(Run.open(run), step, wish, out, license=license)
    for line in command.said(opened, place, rows):
        say(line)
    if push_to_hub is not None:
        say(f"on the hub: {write.push(place, push_to_hub, private=private)}")
