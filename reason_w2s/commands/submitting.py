"""Handing a recipe to Slurm: submit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reason_w2s import trust
from reason_w2s.commands.execution import run_folder
from reason_w2s.commands.options import (
    Engine,
    Name,
    Overlays,
    Overrides,
    RecipePath,
    Runs,
    Seed,
    TrustRemoteCode,
)
from reason_w2s.commands.recipes import as_typed, asked_about
from reason_w2s.commands.saying import say


def submit(
    recipe: RecipePath,
    on: Annotated[
        Path,
        typer.Option("--on", "--profile", help="Where it runs: a profile with a `slurm:` section."),
    ],
    overrides: Overrides = None,
    overlays: Overlays = None,
    seed: Seed = None,
    runs: Runs = Path("runs"),
    name: Name = None,
    engine: Engine = None,
    until: Annotated[list[str] | None, typer.Option(help="Stop after this step.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write the scripts and show their order; no more.")
    ] = False,
    trust_remote_code: TrustRemoteCode = False,
) -> None:
    """Submit a recipe as Slurm jobs, each after those it needs; sampling as arrays.

    What the store has is left out. Scripts and logs go to RUN/jobs. Jobs save and
    are put back before their time is over, or when their engine died.
    """
    from reason_w2s.submit import command

    trust.allow(trust_remote_code)
    asked = asked_about(recipe, overrides, overlays, seed, on, engine, runs=runs, name=name)
    base = run_folder(runs, name, asked.cells()[0].plan.name, seed)
    arguments = as_typed(recipe, overrides, overlays, seed, on, engine, runs, name)
    found = command.prepare(asked, base, arguments, until or [])
    for line in command.order(found) if dry_run else command.hand_in(found):
        say(line)
    say(command.about(found))
