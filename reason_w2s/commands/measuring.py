"""What is done with checkpoints and runs that are measured: eval, compare, report."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from reason_w2s import trust
from reason_w2s.commands.execution import (
    asking,
    carry_out,
    profile_of,
    run_folder,
    stoppable,
    write_traces,
)
from reason_w2s.commands.options import (
    Engine,
    Name,
    On,
    Runs,
    Seed,
    TrustRemoteCode,
)
from reason_w2s.commands.saying import say
from reason_w2s.errors import ConfigError


def evaluate(
    checkpoint: Annotated[
        str,
        typer.Argument(
            help="A model's folder, a training's with its checkpoint-N, a hub name "
            "(org/name@revision), or http://host:8000/v1."
        ),
    ],
    suite: Annotated[str, typer.Option(help="Suites by name or file, with commas between.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Changes to the suites, e.g. suites.gsm8k.problems.take=100"),
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option(
            help="Ask with this prompt (a name or a file) instead of the checkpoint's own."
        ),
    ] = None,
    checkpoints: Annotated[
        str | None,
        typer.Option(help="Of a training's folder: all (default), last, or 100,200,final."),
    ] = None,
    served: Annotated[
        str | None, typer.Option(help="The model's name at an endpoint that has several.")
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(help="A served model's tokenizer, folder or hub name: templates stay ours."),
    ] = None,
    runs: Runs = Path("runs"),
    name: Name = None,
    on: On = None,
    engine: Engine = None,
    seed: Seed = None,
    trust_remote_code: TrustRemoteCode = False,
) -> None:
    """Measure a checkpoint on suites: accuracy with interval, n, stop and truncation rates."""
    trust.allow(trust_remote_code)
    from reason_w2s.recipe.given import Given, left_out
    from reason_w2s.recipe.load import eval_recipe, plan_of
    from reason_w2s.runs import asked
    from reason_w2s.runs.selection import Selection

    given = Given(checkpoint, prompt, served, tokenizer, checkpoints)
    suites = [part.strip() for part in suite.split(",")]
    data = eval_recipe(given, suites, seed=seed or 0, overrides=overrides or [])
    expanded, place = plan_of(data, place="eval"), asking(profile_of(on, engine), checkpoint)
    with stoppable():
        for line in [*left_out(given), *asked.before(expanded, prompt, place)]:
            say(line)
        folder = run_folder(runs, name, data["name"], seed)
        for line in asked.after(carry_out(expanded, data, folder, place, Selection())):
            say(line)


def compare(
    a: Annotated[str, typer.Argument(help="RUN, RUN:MODEL, or graded rows: .jsonl, .parquet.")],
    b: Annotated[str, typer.Argument(help="The other one, measured on the same problems.")],
    suite: Annotated[
        str | None, typer.Option(help="Only these suites, with commas between.")
    ] = None,
    flips: Annotated[int, typer.Option(min=0, help="Problems listed of each kind.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, every flip.")] = False,
    id_column: Annotated[
        str, typer.Option("--id", help="Column of the problems' ids.")
    ] = "problem_id",
    correct: Annotated[str, typer.Option(help="Column of the verdicts.")] = "correct",
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
) -> None:
    """Is A better than B? Paired on the same problems: exact McNemar, bootstrap, the flips.

    Rows from elsewhere will do: a problem's id and a verdict (true, false, 1, 0) per response.
    """
    from reason_w2s.evaluate.samples import Columns
    from reason_w2s.evaluate.versus import lines, versus

    suites = [part.strip() for part in suite.split(",")] if suite else []
    found = versus(a, b, columns=Columns(id_column, correct), suites=suites, seed=seed)
    if as_json:
        say(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for line in lines(found, flips):
        say(line)


def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Runs' folders; several: one page.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="The page to write (default, for one run: RUN/report.html).")
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Write nothing: work every number out again and compare."),
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option(help="Write nothing: set one run beside a file of expected numbers."),
    ] = None,
    traces: Annotated[
        int | None,
        typer.Option(min=0, help="So many traces in a run's traces.html (default 5000; 0: all)."),
    ] = None,
) -> None:
    """Write the HTML report of runs again, and print their tables.

    One run's traces are written beside it, in traces.html: to search, filter and compare.

    Several runs make one page, with these side by side first. --verify works out what results.json
    and report.html say from the rows in the store; where a number differs it says which, and exits
    with 4. --against says of each accuracy in the file (eval/baselines/*.json) whether the run
    reached it within the file's tolerance, and exits with 1 where it did not.
    """
    from reason_w2s.report import command
    from reason_w2s.runs.run import Run

    if sum(one is not None for one in (traces, against, verify or None)) > 1:
        raise ConfigError("report: --traces, --verify and --against do not go together; give one")
    opened = [Run.open(run) for run in runs]
    if traces is not None and len(opened) > 1:
        raise ConfigError("--traces: traces are written for one run at a time; give one run")
    if verify:
        for line in command.verify(opened):
            say(line)
        return
    if against is not None:
        try:
            for line in command.against(opened, against):
                say(line)
        except command.Missed as missed:
            raise typer.Exit(1) from missed
        return
    say(f"report: {command.report(opened, out, sys.stdout)}")
    if len(opened) == 1:
        write_traces(opened[0], traces)
