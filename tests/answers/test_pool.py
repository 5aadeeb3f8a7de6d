"""Workers: killed in time, replaced, alone on their pipes, and gone when their caller is."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reason_w2s.answers import compare, equal
from reason_w2s.answers.workers import pool
from reason_w2s.answers.workers.pool import Failed, Gone, Worker, symbolic

ROOT = Path(__file__).parents[2]
SERVICE = "tests.answers.misbehaving:answer"
LONG = 120.0
# sympy does not come back from these
ENDLESS = ("(x + y + 9^{9^{9^9}})^{300}", "(x + y + 9^{9^{9^9}})^{299}")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def worker():
    made = Worker(SERVICE)
    yield made
    made.close()


@pytest.fixture
def afresh():
    """No worker and nothing remembered, before and after."""
    forget()
    yield
    forget()


def forget():
    pool.close()
    pool._remembered.cache_clear()
    pool._pools.update({name: pool._Pool(name) for name in pool._pools})


def stat(process):
    """State and parent of a process, None where there is none."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent = text[text.rindex(")") + 2 :].split()[:2]
    return state, int(parent)


def children(process):
    found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [one for one in found if (stat(one) or ("", 0))[1] == process]


def tree(process):
    """All processes below one."""
    below = children(process)
    return below + [one for child in below for one in tree(child)]


def wait_until(true, seconds=60):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def gone(process):
    """Ended; a zombie is its new parent's to bury."""
    return (stat(process) or ("Z", 0))[0] in "ZX"


def test_a_reply_comes_back_as_it_was_given(worker):
    odd = ["echo", ["\ud83d\ude00", "\udfff", "\x00", "\n\r\u2028", "π" * 100_000, 1e308, None]]
    assert worker.ask(odd, LONG) == odd[1]


@pytest.mark.parametrize(
    "deed, failure",
    [
        ("hang", "timeout"),
        ("memory", "memory"),
        ("abort", "crashed"),
        ("leave", "crashed"),
        ("fail", "crashed"),
    ],
)
def test_a_child_that_fails_is_replaced(worker, deed, failure):
    first = worker.ask(["process"], LONG)
    with pytest.raises(Failed) as failed:
        worker.ask([deed], 0.3 if deed == "hang" else LONG)
    assert (failed.value.failure, worker.usable) == (failure, True)
    second = worker.ask(["process"], LONG)
    assert second != first
    assert stat(first) is None
    assert children(worker.process.pid) == [second]


def test_what_is_printed_goes_nowhere(worker, capfd):
    assert worker.ask(["speak"], LONG) == ""
    assert worker.ask(["echo", 5], LONG) == 5
    assert capfd.readouterr() == ("", "")


def test_children_are_replaced_before_they_grow_old(worker):
    from reason_w2s.answers.workers.worker import REQUESTS_PER_CHILD

    seen = {worker.ask(["process"], LONG) for _ in range(2 * REQUESTS_PER_CHILD)}
    assert len(seen) == 2


def test_closing_ends_the_processes_and_buries_them():
    made = Worker(SERVICE)
    child = made.ask(["process"], LONG)
    made.close()
    made.close()
    assert stat(made.process.pid) is None
    assert stat(child) is None
    with pytest.raises(Gone):
        made.ask(["echo", 1], LONG)


def test_a_service_that_cannot_be_loaded_says_why():
    made = Worker("tests.answers.no_such_module:answer")
    with pytest.raises(Failed, match="ModuleNotFoundError"):
        made.start()
    made.close()


def test_a_worker_imports_from_where_its_packages_are_and_nowhere_else(tmp_path):
    for name in ("json", "sympy", "mpmath", "sitecustomize", "usercustomize"):
        (tmp_path / f"{name}.py").write_text("import os; os._exit(9)")
    program = (
        "import sys\n"
        f"sys.path.append({str(ROOT)!r})\n"
        "from reason_w2s.answers.workers.pool import Worker\n"
        f"worker = Worker({SERVICE!r})\n"
        "path, no_site, names = worker.ask(['path'], 60)\n"
        f"assert {str(tmp_path)!r} not in path and '' not in path, path\n"
        "assert no_site and 'PYTHONPATH' not in names and 'PYTHONSTARTUP' not in names\n"
        "import os; os.chdir('/'); worker.close(); print('fine')\n"
    )
    script = tmp_path / "elsewhere" / "script.py"
    script.parent.mkdir()
    script.write_text(program)
    # -I: the caller itself must not fall for these files
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": "x"}
    done = subprocess.run(
        [sys.executable, "-I", script],
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_outcomes():
    assert symbolic("\\sqrt{3 + 2\\sqrt{2}}", "1 + \\sqrt{2}") == "same"
    assert symbolic("x + 1", "x + 2") == "different"
    assert symbolic("not a formula", "x") == "unknown"
    assert symbolic("9^{9^{9^9}} + x", "x + 9^{9^{9^9}}") == "same"


def test_a_computation_without_end_is_a_timeout_and_the_next_one_is_right(afresh, monkeypatch):
    monkeypatch.setattr(pool, "PROOF_SECONDS", 0.3)
    assert symbolic(*ENDLESS) == "timeout"
    assert symbolic("9^{9^{9^9}} + 1", "9^{9^{9^9}} + 1 + 0") == "same"
    # remembered: it costs nothing again, in either order
    monkeypatch.setattr(pool, "_ask", None)
    assert symbolic(*reversed(ENDLESS)) == "timeout"


def test_a_worker_that_was_ended_while_it_waited_is_replaced(afresh):
    assert symbolic("x", "x + 0") == "same"
    (worker,) = pool._workers
    os.kill(worker.process.pid, signal.SIGKILL)
    assert symbolic("y", "y + 0") == "same"


def test_where_no_worker_starts_that_is_said_once(afresh, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.warns(RuntimeWarning, match="no symbolic comparison"):
        assert symbolic("x", "x + 0") == "crashed"
    for _ in range(5):
        assert symbolic("x", "x + 0") == "crashed"
    assert pool._pools[pool._VALUES].failed_starts == pool.MAX_FAILED_STARTS


def squares(number):
    return symbolic(f"x^2 - {number * number}", f"(x - {number})(x + {number})")


def test_many_threads(afresh):
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(squares, range(80)))
    assert found == ["same"] * 80
    assert 1 <= len(pool._workers) <= pool.MAX_WORKERS


def test_a_worker_outlives_the_thread_that_started_it(afresh):
    found = []
    thread = threading.Thread(target=lambda: found.append(squares(3)))
    thread.start()
    thread.join()
    before = tree(os.getpid())
    time.sleep(0.2)
    assert (found, squares(4)) == (["same"], "same")
    assert tree(os.getpid()) == before


def test_asyncio(afresh):
    async def both():
        aside = asyncio.to_thread(squares, 5)
        return squares(6), await aside

    assert asyncio.run(both()) == ("same", "same")


def in_a_child(queue):
    queue.put((squares(7), len(pool._workers)))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("daemon", [False, True])
def test_children_have_workers_of_their_own(afresh, method, daemon):
    assert squares(2) == "same"
    ours = tree(os.getpid())
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=in_a_child, args=(queue,), daemon=daemon)
    child.start()
    assert queue.get(timeout=120) == ("same", 1)
    child.join(120)
    assert child.exitcode == 0
    assert set(ours) <= set(tree(os.getpid()))
    assert squares(8) == "same"


def test_a_fork_lets_go_of_the_pipes(afresh):
    squares(2)
    (worker,) = pool._workers
    ends = {os.readlink(f"/proc/self/fd/{worker.lines.reading}")}
    child = os.fork()
    if not child:
        held = {os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()}
        os._exit(0 if not ends & held and not pool._workers else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert squares(9) == "same"


PROGRAM = """
import os, signal, sys, threading, time
# a shell's background jobs, this test run perhaps, ignore it
signal.signal(signal.SIGINT, signal.default_int_handler)
from reason_w2s.answers import compare, equal
from reason_w2s.answers.workers import pool
from reason_w2s.answers.workers.pool import Worker

def busy():
    worker = Worker("tests.answers.misbehaving:answer")
    worker.start()
    print(worker.process.pid, flush=True)
    worker.ask(["hang"], 600)

pool.symbolic("x", "x + 0")
threading.Thread(target=busy, daemon=True).start()
{end}
"""


def started(end):
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(end=end)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    busy = int(program.stdout.readline())
    # two supervisors, and the child of each
    wait_until(lambda: len(tree(program.pid)) == 4 and children(busy))
    return program, tree(program.pid)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_the_caller_is_killed_at_work(how):
    program, below = started("time.sleep(600)")
    program.send_signal(how)
    program.communicate()
    wait_until(lambda: all(map(gone, below)))


@pytest.mark.parametrize(
    "end", ["sys.stdin.read()", "sys.stdin.read(); os._exit(0)", "sys.stdin.read(); sys.exit(1)"]
)
def test_nothing_is_left_when_the_caller_ends(end):
    program, below = started(end)
    program.communicate()
    wait_until(lambda: all(map(gone, below)))


def test_nothing_is_left_when_the_supervisor_is_killed():
    made = Worker(SERVICE)
    child = made.ask(["process"], LONG)
    made.send(["hang"], 600)
    os.kill(made.process.pid, signal.SIGKILL)
    with pytest.raises(Gone):
        made.reply(600)
    wait_until(lambda: gone(child))


class Interrupted(Exception):
    pass


def interrupt(*_):
    raise Interrupted


def test_an_interrupted_wait_leaves_no_stale_reply(worker):
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        worker.start()
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        with pytest.raises(Interrupted):
            worker.ask(["hang"], 600)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert (worker.usable, stat(worker.process.pid)) == (False, None)


def run(program):
    """What a program of its own prints, which must be nothing on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


FAILING = f"""
from reason_w2s.answers.workers.pool import Failed, Worker, close
worker = Worker({SERVICE!r})
for deed in ('hang', 'memory', 'abort'):
    try:
        worker.ask([deed], 0.5 if deed == 'hang' else 60)
    except Failed as failed:
        print(failed.failure)
print(worker.ask(['echo', 5], 60))
close()
"""


def test_the_callers_alarm_and_handlers_are_left_alone():
    before = "import signal; signal.signal(signal.SIGALRM, print); signal.alarm(1000)\n"
    after = "print(0 < signal.alarm(0) <= 1000, signal.getsignal(signal.SIGALRM) is print)"
    assert run(before + FAILING + after) == ["timeout", "memory", "crashed", "5", "True", "True"]


def test_a_caller_that_ignores_its_children_is_served():
    # The kernel then buries the children, and what they died of with them.
    words = run("import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n" + FAILING)
    assert (words[0], words[3:]) == ("timeout", ["5"])


def test_a_worker_that_starts_slowly_costs_a_comparison_nothing(afresh, monkeypatch):
    start = pool._started

    def slowly(service):
        time.sleep(0.6)
        return start(service)

    monkeypatch.setattr(pool, "_started", slowly)
    monkeypatch.setattr(compare, "SYMBOLIC_SECONDS", 1.0)
    assert equal("5", "x + y + 9^{9^{9^{9}}}").reason != "the comparison took too long"
    assert pool.waited_s() >= 1.2
