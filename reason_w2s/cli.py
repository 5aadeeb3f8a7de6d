"""The command line: which commands there are. Thin, and quick to start."""

from __future__ import annotations

import io
import logging
import os
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from reason_w2s import trust
from reason_w2s.commands import measuring, recipes, records, submitting
from reason_w2s.commands.execution import devices
from reason_w2s.errors import W2SError, from_system
from reason_w2s.visible import log_visibly, one_line

UsageError: Any = typer.BadParameter.__base__
"""Click's, which typer brings along under a name of its own."""

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
    submitting.submit,
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
    trust.allow(False)
    log_visibly(logging.WARNING, "%(levelname)s %(name)s: %(message)s")
    # what this terminal cannot show is spelled out, and ends no command
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(_run())
    except W2SError as error:
        _end(str(error), error.exit_code)
    except OSError as error:
        of_ours = from_system(error)
        _end(str(of_ours), of_ours.exit_code)


def _run() -> Any:
    """The command's exit code."""
    try:
        return app(standalone_mode=False)
    except typer.Abort:
        return 1
    except UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()
            return error.exit_code
        command = error.ctx.command_path if error.ctx else "reason-w2s"
        said = error.format_message().replace("Value error, ", "")
        return _end(f"{said} (see {command} --help)", error.exit_code)


def _end(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"error: {one_line(message)}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
