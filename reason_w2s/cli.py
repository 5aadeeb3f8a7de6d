"""The command line: thin, and quick to start. Heavy imports happen inside commands."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from reason_w2s.errors import ConfigError, W2SError

app = typer.Typer(
    name="reason-w2s",
    help="Make a strong language model reason better by learning from weaker reasoners.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

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

PROBED = 8
"""Problems that `doctor --probe` asks an untrained student."""


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


@app.command()
def run(
    recipe: RecipePath,
    overrides: Overrides = None,
    overlays: Overlays = None,
    seed: Seed = None,
    runs: Runs = Path("runs"),
    name: Name = None,
    profile: ProfilePath = None,
    engine: Engine = None,
    until: Annotated[list[str] | None, typer.Option(help="Stop after this step.")] = None,
    start: Annotated[
        list[str] | None, typer.Option("--from", help="Do this step and all after it.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Do just this step.")] = None,
    redo: Annotated[list[str] | None, typer.Option(help="Make this step again.")] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Try it small first: 5 problems, random weights.")
    ] = False,
) -> None:
    """Run a recipe: whatever its store already has is not made again."""
    from reason_w2s.recipe.load import load_plans
    from reason_w2s.runs.run import Selection

    found = load_plans(recipe, overlays=overlays or [], overrides=overrides or [], seed=seed)
    selection = Selection(*(tuple(names or ()) for names in (until, start, only, redo)))
    base, place = (
        runs / (name or _default_name(found[0].plan.name, seed)),
        _profile(profile, engine),
    )
    if smoke:
        small = base.with_name(f"{base.name}-smoke")
        _smoke(found[0].plan, found[0].recipe, small, place, selection)
        return
    done = []
    for number, one in enumerate(found, 1):
        if len(found) > 1:
            typer.echo(f"{number} of {len(found)}: {one.label}", err=True)
        done.append(_execute(one.plan, one.recipe, _of_sweep(base, one.label), place, selection))
    if len(done) > 1:
        _side_by_side(done, base)


@app.command()
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
    from reason_w2s.doctor import outlook
    from reason_w2s.doctor.command import open_case

    asked = _asked(recipe, overrides, overlays, seed, on, engine, runs=runs, name=name)
    case = open_case(asked)
    found = outlook.outlooks(case)
    arguments = _as_typed(recipe, overrides, overlays, seed, on, engine, runs, name)
    lines = outlook.commands(case, arguments, asked.folder(case.plan.name))
    if as_json:
        _print_json(outlook.as_json(case, found, lines))
        return
    for step in case.plan.steps.values():
        inputs = [*step.of, *(f"{role}={name}" for role, name in step.roles.items())]
        typer.echo(f"{step.name:<32} {step.stage:<10} {step.kind:<9} {', '.join(inputs)}")
    for line in outlook.lines(found, lines):
        typer.echo(line)


@app.command()
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

    asked = _asked(
        recipe, overrides, overlays, seed, on, engine,
        runs=runs, name=name, run=run, examples=examples, probe=PROBED if probe else 0,
    )  # fmt: skip
    colour = sys.stdout.isatty() and not as_json and "NO_COLOR" not in os.environ
    found = command.run(asked, colour=colour)
    if as_json:
        _print_json(command.as_json(found))
    else:
        for line in command.lines(found):
            typer.echo(line)
    raise typer.Exit(found.status)


@app.command()
def status(
    recipe: RecipePath,
    overrides: Overrides = None,
    overlays: Overlays = None,
    seed: Seed = None,
    runs: Runs = Path("runs"),
    name: Name = None,
    profile: ProfilePath = None,
    engine: Engine = None,
) -> None:
    """Say which steps of a recipe are done, and what is still to do."""
    from reason_w2s.recipe.load import load_plans
    from reason_w2s.runs.execute import summary
    from reason_w2s.runs.run import states

    loaded = load_plans(recipe, overlays=overlays or [], overrides=overrides or [], seed=seed)
    base, place = (
        runs / (name or _default_name(loaded[0].plan.name, seed)),
        _profile(profile, engine),
    )
    for label, expanded, _ in loaded:
        found = states(expanded, _of_sweep(base, label), place)
        for step, item in found.items():
            said = "to do" if item is None else f"done   {summary(item)}"
            typer.echo(f"{step:<32} {expanded.steps[step].stage:<10} {said}")
        done = sum(item is not None for item in found.values())
        typer.echo(f"{label}{': ' if label else ''}{done} of {len(found)} steps are done")


class _EvalGroup(TyperGroup):
    """`eval CHECKPOINT` needs no name of its own among the commands of `eval`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = args[:1] and args[0] in self.commands
        return super().parse_args(ctx, args if named else [_CHECKPOINT, *args])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return "" if name == _CHECKPOINT else name, command, rest


_CHECKPOINT = "*"
evaluation = typer.Typer(cls=_EvalGroup, add_completion=False)
app.add_typer(evaluation, name="eval", help="Measure a checkpoint on suites; compare two.")


@evaluation.command(
    name=_CHECKPOINT, epilog="Two models' responses against each other: reason-w2s eval compare A B"
)
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
    profile: ProfilePath = None,
    engine: Engine = None,
    seed: Seed = None,
) -> None:
    """Measure a checkpoint on suites: accuracy with interval, n, stop and truncation rates."""
    from reason_w2s.recipe.given import Given, left_out
    from reason_w2s.recipe.load import eval_recipe, plan_of
    from reason_w2s.runs import asked
    from reason_w2s.runs.run import Selection

    given = Given(checkpoint, prompt, served, tokenizer, checkpoints)
    suites = [part.strip() for part in suite.split(",")]
    data = eval_recipe(given, suites, seed=seed or 0, overrides=overrides or [])
    expanded, place = plan_of(data, place="eval"), _profile(profile, engine)
    for line in [*left_out(given), *asked.before(expanded, prompt, place)]:
        typer.echo(line)
    folder = runs / (name or _default_name(data["name"], seed))
    for line in asked.after(_execute(expanded, data, folder, place, Selection())):
        typer.echo(line)


@evaluation.command()
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
        typer.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for line in lines(found, flips):
        typer.echo(line)


@app.command()
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
                typer.echo(line)
    except KeyboardInterrupt as error:
        typer.echo("stopped", err=True)
        raise typer.Exit(130) from error


@app.command()
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
        typer.echo(line)


@app.command()
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
        typer.echo(line)


@app.command()
def merge(
    adapter: Annotated[Path, typer.Argument(help="A LoRA adapter's folder.")],
    out: Annotated[Path, typer.Argument(help="The folder to write; it must not be there yet.")],
    dtype: Annotated[
        Literal["bfloat16", "float32"], typer.Option(help="The precision of the result.")
    ] = "bfloat16",
) -> None:
    """Merge a LoRA adapter into its base: a whole model folder that anything loads."""
    from reason_w2s.train.merge import merge as merge_adapter

    typer.echo(f"merged: {merge_adapter(adapter, out, dtype)}")


@app.command()
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
            typer.echo(line)
        return
    if against is not None:
        try:
            for line in command.against(opened, against):
                typer.echo(line)
        except command.Missed as missed:
            raise typer.Exit(1) from missed
        return
    typer.echo(f"report: {command.report(opened, out, sys.stdout)}")
    if len(opened) == 1:
        _traces(opened[0], traces)


@app.command()
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
        typer.echo(line)
    if push_to_hub is not None:
        typer.echo(f"on the hub: {write.push(place, push_to_hub, private=private)}")


def _asked(
    recipe: Path,
    overrides: list[str] | None,
    overlays: list[Path] | None,
    seed: int | None,
    on: Path | None,
    engine: str | None,
    **more: Any,
) -> Any:
    """What doctor and plan are asked about."""
    from reason_w2s.doctor.command import Asked

    place = str(on) if on is not None else "this machine's profile"
    profile = _profile(on, engine)
    return Asked(recipe, overrides or [], overlays or [], seed, profile, place, **more)


def _as_typed(
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
        ("--profile", on),
        ("--engine", engine),
        ("--runs", runs if runs != Path("runs") else None),
        ("--name", name),
    ]
    given = [part for option, value in options if value is not None for part in (option, value)]
    return [str(part) for part in (recipe, *(overrides or []), *given)]


def _print_json(data: Any) -> None:
    import json

    typer.echo(json.dumps(data, indent=1, ensure_ascii=False))


def _default_name(recipe: str, seed: int | None) -> str:
    return recipe if seed is None else f"{recipe}-seed{seed}"


def _of_sweep(base: Path, label: str) -> Path:
    """The folder of one run of a sweep, which all share a store; the run's own without a sweep."""
    return base.with_name(f"{base.name}-{label}") if label else base


def _side_by_side(done: list[Any], base: Path) -> None:
    """One page of all the runs of a sweep, where all were measured."""
    from reason_w2s.report import command

    page = base.with_name(f"{base.name}.html")
    if all((run.folder / "results.json").is_file() for run in done):
        typer.echo(f"side by side: {command.report(done, page, sys.stdout, table=False)}")


def _profile(path: Path | None, engine: str | None) -> Any:
    """The profile file, or one for what this machine has; `--engine` goes before its sampler."""
    from reason_w2s.recipe.yaml_file import parse, read
    from reason_w2s.runs.profile import Profile

    data = read(path) if path is not None else _this_machine()
    if engine is not None:
        data = {**data, "sampler": engine}
    return parse(Profile, data, str(path or "--engine"))


def _this_machine() -> dict[str, Any]:
    """The profile of a machine that nobody described: with an NVIDIA GPU it is used."""
    if not _devices("nvidia[0-9]*"):
        return {}
    return {"isolate": "step", "workers": {"total": 1}, "train": {"device": "cuda"}}


def _smoke(plan: Any, data: Any, folder: Path, profile: Any, selection: Any) -> None:
    """Run the recipe made small, in a folder with a store of its own."""
    from reason_w2s.recipe.smoke import smoke
    from reason_w2s.runs.smoke import fitting, refuse_failed, start_over

    started = time.monotonic()
    small = smoke(plan, data, profile.train)
    typer.echo(f"{plan.name} --smoke: what is tried in place of what the recipe says", err=True)
    for line in small.replaced:
        typer.echo(f"  {line}", err=True)
    place = start_over(folder)
    finished = _execute(small.plan, small.data, place, fitting(profile), selection, smoke=True)
    refuse_failed(finished)
    seconds = time.monotonic() - started
    typer.echo(f"smoke passed: {len(finished.items)} steps in {seconds:.0f} s")


def _execute(
    plan: Any, data: Any, folder: Path, profile: Any, selection: Any, *, smoke: bool = False
) -> Any:
    """Run a plan and report it; a smoke run's accuracies are left in the report."""
    from rich.console import Console

    from reason_w2s.runs.run import execute

    console = Console(stderr=True)
    try:
        finished = execute(plan, data, folder, profile, selection=selection, console=console)
    except KeyboardInterrupt as error:
        kept = "; what is finished is kept, the same command goes on from here"
        typer.echo(f"stopped{'' if smoke else kept}", err=True)
        raise typer.Exit(130) from error
    if all(one.graded in finished.items for one in plan.measured) and plan.measured:
        _report(finished, table=not smoke)
    else:
        typer.echo(f"{folder}: {len(finished.items)} of {len(plan.steps)} steps are done")
    return finished


def _report(finished: Any, *, table: bool = True) -> None:
    from reason_w2s.report import command

    typer.echo(f"report: {command.report([finished], None, sys.stdout, table=table)}")
    _traces(finished, None)


def _traces(finished: Any, limit: int | None) -> None:
    from reason_w2s.report import viewer

    place = viewer.write(finished) if limit is None else viewer.write(finished, limit)
    typer.echo(f"traces: {place}")


def _devices(*patterns: str) -> bool:
    """Whether this machine has a device file of any of these names."""
    return any(any(Path("/dev").glob(pattern)) for pattern in patterns)


def main() -> None:
    """Entry point: mistakes end in one line, with the error's exit code."""
    if not _devices("nvidia*", "dxg", "kfd"):
        # DeepSpeed, which transformers imports, otherwise says on every command that it looked
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app(standalone_mode=True)
    except W2SError as error:
        line = " ".join(str(error).split())
        sys.stderr.write(f"error: {line}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
