"""What several commands are told on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecipePath = Annotated[Path, typer.Argument(help="A recipe file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="Changes to it, e.g. steps.drawn.sample.sampling.n=8"),
]
Overlays = Annotated[
    list[Path] | None,
    typer.Option("--with", help="Overlay file merged into the recipe, e.g. recipes/world.yaml."),
]
Seed = Annotated[int | None, typer.Option("--seed", help="The seed of everything random.")]
Runs = Annotated[
    Path, typer.Option("--runs", envvar="REASON_W2S_RUNS", help="Folder of runs and their store.")
]
ProfilePath = Annotated[
    Path | None,
    typer.Option("--profile", help="Where it runs, e.g. launch/profiles/cpu.yaml."),
]
On = Annotated[
    Path | None,
    typer.Option("--on", "--profile", help="Where it would run, e.g. launch/profiles/gpu.yaml."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
Engine = Annotated[
    str | None, typer.Option("--engine", help="The sampler: vllm, hf or fake (for tests).")
]
Name = Annotated[
    str | None,
    typer.Option("--name", help="The run's name (default: the recipe's, with its --seed)."),
]
