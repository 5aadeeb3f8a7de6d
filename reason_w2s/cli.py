"""The command line: which commands there are. Thin, and quick to start."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from reason_w2s.commands import measuring, recipes, records
from reason_w2s.commands.execution import devices
from reason_w2s.errors import W2SError

app = typer.Typer(
    name="reason-w2s",
    help="Make a strong language model reason better by learning from weaker reasoners.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
evaluation.command(
    name=_CHECKPOINT, epilog="Two models' responses against each other: reason-w2s eval compare A B"
)(measuring.evaluate)
evaluation.command()(measuring.compare)

for command in (
    recipes.run,
    recipes.plan,
    recipes.doctor,
    recipes.status,
    measuring.report,
    records.show,
    records.check,
    records.prompts,
    records.merge,
    records.export,
):
    app.command()(command)
app.add_typer(evaluation, name="eval", help="Measure a checkpoint on suites; compare two.")


def main() -> None:
    """Entry point: mistakes end in one line, with the error's exit code."""
    if not devices("nvidia*", "dxg", "kfd"):
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
