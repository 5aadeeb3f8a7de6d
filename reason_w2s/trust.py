"""Whether Python code that comes with a model may run: only where the command line says so.

`--trust-remote-code` is an option and nothing else: no recipe, suite or profile can give it, and a
variable that is there before the command starts does not count (the command line removes it). It
is passed on to the processes that a command starts.
"""

from __future__ import annotations

import os
from pathlib import Path

from reason_w2s.errors import ConfigError

VARIABLE = "REASON_W2S_TRUST_REMOTE_CODE"
OPTION = "--trust-remote-code"


def allow(trust: bool) -> None:
    """Let code of models run in this process and in those it starts, or not."""
    if trust:
        os.environ[VARIABLE] = "1"
    else:
        os.environ.pop(VARIABLE, None)


def trusted() -> bool:
    """Whether `--trust-remote-code` was given."""
    return os.environ.get(VARIABLE) == "1"


def refuse_code(folder: Path, error: Exception) -> None:
    """Say what transformers or vLLM mean by asking for `trust_remote_code`.

    Raises:
        ConfigError: `error` is of a model that needs code of its own.
    """
    if "trust_remote_code" in str(error):
        raise ConfigError(
            f"{folder}: this model needs Python code that comes with it, which runs only where the "
            f"command line says so; read it, then add {OPTION}"
        ) from error
