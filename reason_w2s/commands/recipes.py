"""What is done with a recipe: run, plan, doctor, status."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reason_w2s import trust
from reason_w2s.commands.execution import (
    carry_out,
    of_sweep,
    profile_of,
    run_folder,
    smoke_run,
    stoppable,
    sweep,
)
from reason_w2s.commands.options import (
    AsJson,
    Cell,
    Engine,
    Job,
    Name,
    OfPart,
    On,
    Overlays,
    Overrides,
    RecipePath,
    Runs,
    Seed,
    TrustRemoteCode,
)
from reason_w2s.commands.saying import say
from reason_w2s.errors import ConfigError, W2SError

if TYPE_CHECKING:
    from reason_w2s.runs.items import Item

PROBED = 8
"""Problems that `doctor --probe` asks an untrained student."""


def run(
    recipe: RecipePath,
    overrides: Overrides = None,
    overlays: Overlays = None,
    seed: Seed = None,
    runs: Runs = Path("runs"),
    name: Name = None,
    on: On = None,
    engine: Engine = None,
    until: Annotated[list[str] | None, typer.Option(help="Stop after this step.")] = None,
    start: Annotated[
        list[str] | None, typer.Option("--from", help="Do this step and all after it.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Do just this step.")] = None,
    redo: Annotated[list[str] | None, typer.Option(help="Make this step again.")] = None,
    cell: Cell = None,
    job: Job = False,
    part: OfPart = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Try it small first: 5 problems, random weights.")
    ] = False,
    trust_remote_code: TrustRemoteCode = False,
) -> None:
    """Run a recipe: whatever its store already has is not made again."""
    trust.allow(trust_remote_code)
    with stoppable(smoke=smoke):
        from reason_w2s.recipe.load import load_plans, one_of
        from reason_w2s.runs.selection import Selection
        from reason_w2s.runs.work import part_of

        found = load_plans(recipe, overlays=overlays or [], overrides=overrides or [], seed=seed)
        selection = Selection(
            until=tuple(until or ()),
            start=tuple(start or ()),
            only=tuple(only or ()),
            redo=tuple(redo or ()),
            job=job,
            part=None if part is None else part_of(part),
        )
        base = run_folder(runs, name, found[0].plan.name, seed)
        found = found if cell is None else [one_of(found, cell)]
        place = profile_of(on, engine)
        if smoke:
            if job:
                raise ConfigError("--smoke: it starts over, beside no other job; leave out --job")
            small = base.with_name(f"{base.name}-smoke")
            smoke_run(found[0].plan, found[0].recipe, small, place, selection)
            return
        if len(found) > 1:
            sweep(found, base, place, selection)
        else:
            one = found[0]
            carry_out(one.plan, one.recipe, of_sweep(base, one.label), place, selection)


def plan(
    recipe: RecipePath,
    overrides: Overrides = None,
    overlays: Overlays = None,
    seed: Seed = None,
    on: On = None,
    engine: Engine = None,
    runs: Runs = Path("runs"),
    name: Name = None,
    as_json: AsJson = False,
) -> None:
    """Print the flat steps that a recipe comes to, and what they take. Runs nothing.

    Tokens: at most by max_tokens; about by what earlier runs of the same model
    gave. Device-hours: at rates that these runs measured, else none.
    """
    from reason_w2s.doctor import outlook, swept
    from reason_w2s.doctor.command import open_case

    asked = asked_about(recipe, overrides, overlays, seed, on, engine, runs=runs, name=name)
    cells = asked.cells()
    case = open_case(asked, cells[0])
    found = outlook.outlooks_of([open_case(asked, cell) for cell in cells], cells)
    arguments = as_typed(recipe, overrides, overlays, seed, on, engine, runs, name)
    lines = outlook.commands(case, arguments, asked.folder(case.plan.name, cells[0].label))
    if as_json:
        more = swept.as_json(cells) if len(cells) > 1 else {}
        _print_json({**outlook.as_json(case, found, lines), **more})
        return
    for step in case.plan.steps.values():
        inputs = [*step.of, *(f"{role}={name}" for role, name in step.roles.items())]
        say(f"{step.name:<32} {step.stage:<10} {step.kind:<9} {', '.join(inputs)}")
    for line in swept.lines(cells) if len(cells) > 1 else ():
        say(line)
    for line in outlook.lines(found, lines):
        say(line)


def doctor(
    recipe: RecipePath,
    overrides: Overrides = None,
    overlays: Overlays = None,
    seed: Seed = None,
    on: On = None,
    engine: Engine = None,
    run: Annotated[
        Path | None, typer.Option(help="Use what this run, and those beside it, already made.")
    ] = None,
    runs: Runs = Path("runs"),
    name: Name = None,
    examples: Annotated[
        int, typer.Option("-n", min=0, help="How many examples are shown of each train step.")
    ] = 1,
    probe: Annotated[
        bool,
        typer.Option("--probe", help="Also ask the untrained student, with and without thinking."),
    ] = False,
    trust_remote_code: TrustRemoteCode = False,
    as_json: AsJson = False,
) -> None:
    """Find in seconds what would cost a whole run, before it starts.

    Shows what each train step would learn, the tokens with loss in colour.
    Says of each finding where it is, why it matters and what to do; what
    could not be looked at here is said too, and is no finding. Of models on the
    hub it fetches config and tokenizer, no weights.

    Exit status: 0 nothing or notes, 1 warnings, 2 errors.
    """
    from reason_w2s.doctor import command

    trust.allow(trust_remote_code)
    asked = asked_about(
        recipe, overrides, overlays, seed, on, engine,
        runs=runs, name=name, run=run, examples=examples, probe=PROBED if probe else 0,
    )  # fmt: skip
    colour = sys.stdout.isatty() and not as_json and "NO_COLOR" not in os.environ
    found = command.run(asked, colour=colour)
    if as_json:
        _print_json(command.as_json(found))
    else:
        for line in command.lines(found):
            # its colours are its own; what it shows was spelled out before they were put on
            typer.echo(line)
    raise typer.Exit(found.status)


def status(
    recipe: RecipePath,
    overrides: Overrides = None,
    overlays: Overlays = None,
    seed: Seed = None,
    runs: Runs = Path("runs"),
    name: Name = None,
    on: On = None,
    engine: Engine = None,
) -> None:
    """Say which steps of a recipe are done, what is still to do, and which jobs were submitted."""
    from reason_w2s.recipe.load import load_plans
    from reason_w2s.runs.items import Item
    from reason_w2s.runs.run import states
    from reason_w2s.submit import record

    loaded = load_plans(recipe, overlays=overlays or [], overrides=overrides or [], seed=seed)
    base = run_folder(runs, name, loaded[0].plan.name, seed)
    place, unknown = profile_of(on, engine), []
    for one in loaded:
        label, expanded = one.label, one.plan
        found = states(expanded, of_sweep(base, label), place)
        width = max(map(len, found), default=0)
        for step, item in found.items():
            say(f"{step:<{width}} {expanded.steps[step].stage:<10} {_state(item)}")
        done = sum(isinstance(item, Item) for item in found.values())
        say(f"{label}{': ' if label else ''}{done} of {len(found)} steps are done")
        unknown += [item for item in found.values() if isinstance(item, W2SError)]
    for line in record.said(base):
        say(line)
    if unknown:
        raise unknown[0]


def _state(item: Item | W2SError | None) -> str:
    from reason_w2s.runs.execute import summary

    if item is None:
        return "to do"
    return "unknown" if isinstance(item, W2SError) else f"done   {summary(item)}"


def asked_about(
    recipe: Path,
    overrides: list[str] | None,
    overlays: list[Path] | None,
    seed: int | None,
    on: Path | None,
    engine: str | None,
    **more: Any,
) -> Any:
    """What doctor, plan and submit are asked about."""
    from reason_w2s.doctor.command import Asked

    place = str(on) if on is not None else "this machine's profile"
    profile = profile_of(on, engine)
    return Asked(recipe, overrides or [], overlays or [], seed, profile, place, **more)


def as_typed(
    recipe: Path,
    overrides: list[str] | None,
    overlays: list[Path] | None,
    seed: int | None,
    on: Path | None,
    engine: str | None,
    runs: Path,
    name: str | None,
) -> list[str]:
    """The arguments of `run` that do what was planned."""
    options: list[tuple[str, Any]] = [
        *(("--with", one) for one in overlays or []),
        ("--seed", seed),
        ("--on", on),
        ("--engine", engine),
        ("--runs", runs if runs != Path("runs") else None),
        ("--name", name),
    ]
    given = [part for option, value in options if value is not None for part in (option, value)]
    trusting = [trust.OPTION] if trust.trusted() else []
    return [str(part) for part in (recipe, *(overrides or []), *given, *trusting)]


def _print_json(data: Any) -> None:

    say(json.dumps(data, indent=1, ensure_ascii=False))
