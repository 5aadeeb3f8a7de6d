"""Child processes: they die with their parent, and speak to it in JSON lines.

`python -m reason_w2s.processes COMMAND ...` runs a command of somebody else's that way.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
from typing import IO, NoReturn

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Be killed when the parent dies, however it dies (Linux; elsewhere nothing happens)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def own_stdout() -> IO[str]:
    """Standard output for our lines alone: whatever libraries print goes to standard error."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return out


def leave() -> NoReturn:
    """End well, once what was registered for the end has run, without taking Python down.

    Threads of libraries (arrow's) can abort an interpreter that is being taken down, and work that
    is done would count as failed.
    """
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def main() -> None:
    """Become the command given as arguments; what was asked of the kernel stays in force."""
    die_with_parent()
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
