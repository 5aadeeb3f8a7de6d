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
On = Annotated[
    Path | None,
    typer.Option("--on", "--profile", help="Where it runs, e.g. launch/profiles/gpu.yaml."),
]
Job = Annotated[
    bool, typer.Option("--job", help="Work beside other jobs of the same run, with --only.")
]
OfPart = Annotated[
    str | None,
    typer.Option(
        "--part", metavar="K/N", help="Of one sample step, every N-th response from the K-th on."
    ),
]
Cell = Annotated[
    str | None, typer.Option("--cell", help="Of a recipe with a sweep, just this one of its runs.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
Engine = Annotated[
    str | None, typer.Option("--engine", help="The sampler: vllm, hf or fake (for tests).")
]
TrustRemoteCode = Annotated[
    bool,
    typer.Option(
        "--trust-remote-code", help="Let Python code run that comes with a model or lm-eval task."
    ),
]
Name = Annotated[
    str | None,
    typer.Option("--name", help="The run's name (default: the recipe's, with its --seed)."),
]
