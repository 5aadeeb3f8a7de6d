r"""The answer checker on hostile input: wall time, memory, and whether anything went wrong.

    python eval/bench/answers/hostile.py [--only CLASS,...] [--limit-s 11] [--slow-s 0.5]
        [--out FILE.json]

Every case of `hostile_cases.py` stands as response, inside `\boxed{}`, behind `####`, as bare
answer on both sides of `equal`, against itself, as gold, and is read by every kind. After each case
a right and a wrong valid answer must get their verdicts. All of it happens in a process that is
watched from outside: its peak memory and that of its workers, and what is left when it ends.
An audit hook sees to it that nothing is compiled, executed, imported or opened meanwhile.
Exits 1 where something was violated.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, get_args

from hostile_cases import VALID, Case, Valid, all_cases

from reason_w2s.answers import Status, Verdict, check, equal, extract
from reason_w2s.answers.verdict import KINDS
from reason_w2s.answers.workers.pool import SYMBOLIC_SECONDS, close

STATUSES = frozenset(get_args(Status))
POLL_S = 0.02
MIB = 1024
# A call may take this much longer than the limit before its process is killed.
PATIENCE_S = 120.0
# What one more gold may take without any worker.
GOLD_S = 0.002
# What a check may not do. Workers are started, and these are its own way to do that.
_FORBIDDEN = ("exec", "compile", "os.system", "os.exec", "os.posix_spawn", "open", "import",
    "pickle.find_class", "socket.", "ctypes.", "shutil.", "os.remove", "os.rename")  # fmt: skip


def calls(case: Case) -> Iterator[tuple[str, Callable[[], Verdict | None]]]:
    """Every position of a case, by name."""
    text, gold, options = case.text, case.gold, case.options
    yield "response", lambda: check(text, gold, options=options)
    yield "left", lambda: equal(text, gold, options=options)
    yield "right", lambda: equal(one_of(gold), text, options=options)
    yield "gold", lambda: check(f"So it is \\boxed{{{one_of(gold)}}}.", text, options=options)
    yield "itself", lambda: equal(text, text)
    for kind in KINDS[1:]:
        yield f"as {kind}", lambda kind=kind: check(text, gold, kind, options)  # type: ignore[misc]
    if isinstance(text, str):
        yield "boxed", lambda: check(f"So it is \\boxed{{{text}}}.", gold, options=options)
        yield "hashes", lambda: check(f"So it is\n#### {text}", gold, options=options)
        yield "sentence", lambda: check(f"The answer is {text}.", gold, options=options)
        yield "formula", lambda: check(f"Hence ${text}$", gold, options=options)
        yield "before", lambda: check(f"{text}\n\nThe answer is 5.", "5", options=options)
        yield "tolerance", lambda: equal(text, gold, options=options, rel_tol=1e-6)


def golds(case: Case) -> int:
    """How many golds a case has: each is compared."""
    return len(case.gold) if isinstance(case.gold, list) else 1


def one_of(gold: Any) -> Any:
    """A gold answer as a single one."""
    if isinstance(gold, list | tuple):
        return gold[0] if gold else ""
    return gold


def wrong_with(case: Case, position: str, verdict: Verdict) -> str | None:
    """What is wrong with a verdict, or None."""
    if verdict.status not in STATUSES:
        return f"unknown status {verdict.status!r}"
    if verdict.correct is not {"correct": True, "wrong": False, "no_answer": False}.get(
        verdict.status
    ):
        return f"{verdict.status} with correct {verdict.correct}"
    if position == "itself":
        blank = not isinstance(case.text, str) or not case.text.strip()
        return None if blank or verdict.correct else f"not itself: {verdict.status}"
    if position == "before":
        # The valid answer behind it counts, unless the text left a thought, a box or a tag open.
        return None if verdict.correct is not False or _may_hide(case) else "the answer was lost"
    return None if verdict.correct in case.allowed else f"correct {verdict.correct}"


def _may_hide(case: Case) -> bool:
    """Whether what follows the text may not be the answer: it marks answers of its own."""
    text = str(case.text)
    marks = ("box", "####", "<think>", "nswer", "A:", "Q", "\n### ", "<|", "[INST]", "</s>")
    return case.group in ("marks", "code", "serialised") or any(mark in text for mark in marks)


@dataclass
class Watch:
    """What the audit hook saw while a check ran."""

    canary: Path
    on: bool = False
    seen: list[str] = field(default_factory=list)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note what a check must not do."""
        if not self.on or not event.startswith(_FORBIDDEN):
            return
        # Popen opens its pipes and /dev/null by descriptor or name.
        harmless = event == "open" and (
            isinstance(arguments[0], int) or str(arguments[0]) == os.devnull
        )
        if not harmless:
            self.seen.append(f"{event} {arguments!r:.200}")

    def taken(self) -> list[str]:
        """What was seen since the last time."""
        seen, self.seen = self.seen, []
        if self.canary.exists():
            seen.append("the canary was touched")
            self.canary.unlink()
        return seen


def run_case(case: Case, watch: Watch, limits: argparse.Namespace, valid: Iterator[Valid]) -> Any:
    """Try one case in every position."""
    slowest, place, said, faults = 0.0, "", Counter[str](), []
    slow: list[dict[str, Any]] = []
    reset_peak()
    for position, call in calls(case):
        tell({"position": position})
        start = time.perf_counter()
        verdict, fault = guarded(call, watch)
        took = time.perf_counter() - start
        fault = fault or wrong_with(case, position, verdict)  # type: ignore[arg-type]
        status = verdict.status if verdict else "raised"
        said[status] += 1
        if fault:
            faults.append(f"{position}: {fault}")
        if took > limits.limit_s + GOLD_S * golds(case):
            faults.append(f"{position}: took {took:.1f} s")
        if took > limits.slow_s:
            slow.append({"position": position, "seconds": round(took, 3), "status": status})
        if took > slowest:
            slowest, place = took, position
        faults += [f"{position}: {one}" for one in watch.taken()]
    peak = peak_mib()
    tell({"position": "valid"})
    for _ in range(2):
        faults += judge(next(valid))
    return {"group": case.group, "label": case.label, "seconds": round(slowest, 4),
        "position": place, "peak_mib": peak, "statuses": said, "faults": faults, "slow": slow,
        "calls": said.total()}  # fmt: skip


def guarded(call: Callable[[], Any], watch: Watch) -> tuple[Verdict | None, str | None]:
    """A call under the audit hook; nothing it raises passes."""
    watch.on = True
    try:
        verdict = call()
        fault = verdict.reason.endswith((" while comparing", " while finding the answer"))
        return verdict, verdict.reason if fault else None
    except BaseException as error:
        watch.on = False
        place = traceback.extract_tb(error.__traceback__)[-1]
        return None, f"raised {error!r:.200} at {Path(place.filename).name}:{place.lineno}"
    finally:
        watch.on = False


def judge(one: Valid) -> list[str]:
    """A valid answer that got another verdict than its own."""
    verdict = check(one.response, one.gold)
    if verdict.correct is one.correct:
        return []
    return [f"valid {one.response!r} against {one.gold!r}: {verdict.status}"]


def reset_peak() -> None:
    """Let the kernel's high-water mark of this process begin anew."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_mib() -> float:
    """The largest resident size since then, in MiB."""
    return _memory(os.getpid(), "VmHWM") / MIB


def _memory(process: int, name: str) -> int:
    try:
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def below(process: int) -> list[int]:
    """All processes below one."""
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:
        return []
    children = [int(word) for word in text.split()]
    return children + [one for child in children for one in below(child)]


def tell(message: dict[str, Any]) -> None:
    """One line to the process that watches."""
    print(json.dumps(message), flush=True)


def child(limits: argparse.Namespace, canary: Path, start: int) -> None:
    """Run the cases from `start` on; each is told when it begins and what came of it."""
    # What is loaded late, workers included, is loaded before the hook.
    for one in VALID:
        judge(one)
    extract("The answer is 5")
    equal("\\sin(x)^2 + \\cos(x)^2 + 10^{10^{9}}", "1 + 10^{10^{9}}")
    watch = Watch(canary)
    sys.addaudithook(watch.hook)
    valid = cycle(VALID)
    for index, case in enumerate(chosen(limits, canary)):
        if index >= start:
            tell({"index": index, "group": case.group, "label": case.label})
            tell({"done": run_case(case, watch, limits, valid)})
    close()
    tell({"left": len(below(os.getpid()))})


def chosen(limits: argparse.Namespace, canary: Path) -> list[Case]:
    """The cases asked for."""
    wanted = set(limits.only.split(",")) if limits.only else None
    return [case for case in all_cases(canary) if wanted is None or case.group in wanted]


class Watched:
    """The process that runs the cases, seen from outside."""

    def __init__(self, limits: argparse.Namespace, canary: Path, start: int) -> None:
        command = [sys.executable, __file__, "--child", str(canary), "--start", str(start)]
        for name in ("limit_s", "slow_s", "only"):
            command += [f"--{name.replace('_', '-')}", str(getattr(limits, name))]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.limit_s = limits.limit_s + PATIENCE_S
        self.last = time.monotonic()
        self.workers_kib = 0
        self.seen: set[int] = set()
        self.killed = False
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self) -> None:
        while self.process.poll() is None:
            found = below(self.process.pid)
            self.seen.update(found)
            self.workers_kib = max(self.workers_kib, sum(_memory(one, "VmRSS") for one in found))
            if time.monotonic() - self.last > self.limit_s:
                self.killed = True
                self.process.kill()
            time.sleep(POLL_S)

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the process tells, until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.last = time.monotonic()
            yield json.loads(line)
        self.process.wait()

    def left(self) -> list[int]:
        """The processes below it that live on."""
        time.sleep(0.5)
        return [one for one in self.seen if _state(one) not in ("", "Z", "X")]


def _state(process: int) -> str:
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return ""
    return text[text.rindex(")") + 2]


def run_all(limits: argparse.Namespace) -> tuple[list[dict[str, Any]], list[str]]:
    """The results of all cases, and what went wrong beside them."""
    results: list[dict[str, Any]] = []
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "canary"
        start: int | None = 0
        while start is not None:
            start = _run_from(start, limits, canary, results, faults)
        if canary.exists():
            faults.append("the canary was touched by a worker")
    return results, faults


def _run_from(
    start: int, limits: argparse.Namespace, canary: Path, results: list[Any], faults: list[str]
) -> int | None:
    """Run from a case on; where to go on after a case that ended the process, else None."""
    watched = Watched(limits, canary, start)
    at: dict[str, Any] = {}
    position, ended = "", False
    for message in watched.messages():
        if "index" in message:
            at, watched.workers_kib = message, 0
        elif "position" in message:
            position = message["position"]
        elif "done" in message:
            results.append(message["done"] | {"workers_mib": watched.workers_kib / MIB})
            show(results[-1])
        else:
            ended = True
            if message["left"]:
                faults.append(f"{message['left']} processes are left after close()")
    left = watched.left()
    if left:
        faults.append(f"{len(left)} processes outlive the checker")
        for process in left:
            os.kill(process, signal.SIGKILL)
    if ended:
        return None
    why = "hangs" if watched.killed else f"ended it with code {watched.process.returncode}"
    faults.append(f"{at.get('group')} / {at.get('label')} / {position}: {why}")
    print(faults[-1], flush=True)
    return int(at["index"]) + 1 if at else None


def show(result: dict[str, Any]) -> None:
    """What is worth a line at once: faults, and slow calls that are no timeouts."""
    for fault in result["faults"]:
        print(f"FAULT {result['group']} / {result['label']}: {fault}", flush=True)
    for one in result["slow"]:
        if one["status"] != "timeout":
            print(f"slow {result['group']} / {result['label']}: {one}", flush=True)


def table(results: list[dict[str, Any]]) -> str:
    """One row per class."""
    head = f"{'class':<20}{'cases':>6}{'calls':>7}{'slowest s':>11}{'MiB':>7}{'workers':>9}"
    lines = [f"{head}  verdicts, and the slowest case"]
    for group in dict.fromkeys(result["group"] for result in results):
        of = [result for result in results if result["group"] == group]
        slowest = max(of, key=lambda one: one["seconds"])
        said = sum((Counter(one["statuses"]) for one in of), Counter[str]())
        statuses = " ".join(f"{name} {count}" for name, count in said.most_common())
        lines.append(
            f"{group:<20}{len(of):>6}{said.total():>7}{slowest['seconds']:>11.3f}"
            f"{max(one['peak_mib'] for one in of):>7.0f}"
            f"{max(one['workers_mib'] for one in of):>9.0f}"
            f"  {statuses}; {slowest['label']} ({slowest['position']})"
        )
    return "\n".join(lines)


def main() -> int:
    """Run, print the table, say what was violated."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--only", default="")
    options.add_argument("--limit-s", type=float, default=2 * SYMBOLIC_SECONDS + 1)
    options.add_argument("--slow-s", type=float, default=0.5)
    options.add_argument("--out", type=Path)
    options.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--start", type=int, default=0, help=argparse.SUPPRESS)
    wished = options.parse_args()
    if wished.child:
        child(wished, wished.child, wished.start)
        return 0
    results, faults = run_all(wished)
    faults += [f"{one['group']} / {one['label']} / {fault}"
               for one in results for fault in one["faults"]]  # fmt: skip
    print(table(results))
    calls_made = sum(one["calls"] for one in results)
    print(f"{len(results)} cases, {calls_made} calls, {len(faults)} violations")
    if wished.out:
        wished.out.write_text(json.dumps({"cases": results, "violations": faults}, indent=1))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
