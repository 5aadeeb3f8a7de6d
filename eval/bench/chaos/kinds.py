"""What is done to runs: one function per kind, each a chain of so many events."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from processes import Running, command_of, descendants
from trial import DERIVED, RUN, Chain, Outcome, Phase, Whole, shot, stopped, wait_for

STAGES = ("check", "stepcheck", "vote", "difficulty", "select", "pair")
WORKED = Phase("fake", ("sampling",), ("sample", *STAGES), end="end drawn", sleep_s=0.004)
FAKE = replace(WORKED, forked=True)
LATER = Phase("fake", tuple(f"begin {step}" for step in DERIVED), STAGES, sync_s=0.03, forked=True)
EVERYTHING = replace(FAKE, end=None, sync_s=0.01)
VLLM = Phase(
    "vllm", ("sampling",), ("sample", *STAGES), until=("clean",), end="end drawn", tokens=192
)
ENGINE = replace(VLLM, variables=(("VLLM_ENABLE_V1_MULTIPROCESSING", "1"),))
TRAINING = Phase(
    "fake", ("progress tuned",), ("train",), until=("tuned",), end="end tuned", updates=120
)
ZERO = replace(TRAINING, zero=True, updates=60)

CHECKPOINTS = "runs/store/train/*/*/checkpoint-*"
AROUND_MIB = 8
"""The disk a full one is made to be has so much at least once there is room again."""


@dataclass(frozen=True)
class Kind:
    """A row of the table. play: does a chain of at most so many events in a folder."""

    said: str
    phase: Phase
    per_chain: int
    play: Callable[[Whole, Path, random.Random, int], Outcome]
    wanted: int


def kills(whole: Whole, folder: Path, dice: random.Random, number: int) -> Outcome:
    """kill -9 for the whole process group."""
    return Chain(whole, folder, dice, number).play(shot)


def terms(whole: Whole, folder: Path, dice: random.Random, number: int) -> Outcome:
    """SIGTERM to the command: it ends by itself, and what was drawn is kept."""
    chain = Chain(whole, folder, dice, number)

    def act(running: Running, outcome: Outcome) -> bool:
        os.kill(running.process.pid, signal.SIGTERM)
        return stopped(running, outcome, "stopped")

    return chain.play(act)


def workers(whole: Whole, folder: Path, dice: random.Random, number: int) -> Outcome:
    """kill -9 for the process that samples, alone."""

    def act(running: Running, outcome: Outcome) -> bool:
        return _shoot(running, outcome, "reason_w2s.runs.worker")

    return Chain(whole, folder, dice, number).play(act)


def engines(whole: Whole, folder: Path, dice: random.Random, number: int) -> Outcome:
    """kill -9 for vLLM's engine process, the worker's child."""

    def act(running: Running, outcome: Outcome) -> bool:
        return _shoot(running, outcome, "EngineCore")

    return Chain(whole, folder, dice, number).play(act)


def _shoot(running: Running, outcome: Outcome, name: str) -> bool:
    """False where all was drawn by then: the run ends as if nothing were."""
    pids = [pid for pid in descendants(running.process.pid) if name in command_of(pid)]
    if not pids:
        outcome.wrong.append(f"no process {name} to shoot")
    for pid in pids[:1]:
        os.kill(pid, signal.SIGKILL)
    return running.finish() != 0 and stopped(running, outcome)


def in_checkpoints(whole: Whole, folder: Path, dice: random.Random, number: int) -> Outcome:
    """kill -9 while a checkpoint is being written; only those that did hit one count."""
    chain = Chain(whole, folder, dice, 0)
    outcome = chain.outcome
    for _ in range(2 * number):
        if outcome.events == number:
            break
        running = chain.phase.start(folder)
        for _ in range(dice.randrange(1, 4)):
            running.until(lambda: _unmarked(folder))
            if not running.until(lambda: not _unmarked(folder)):
                break
        if not running.until(lambda: _unmarked(folder)):
            chain._ended(running)
            outcome.missed += 1
            break
        for _ in wait_for(dice.uniform(0, _writing_s(folder))):
            pass
        shot(running, outcome)
        hit = bool(_unmarked(folder))
        outcome.events += hit
        outcome.missed += not hit
        chain._account(running)
    chain.end()
    return outcome


def _unmarked(folder: Path) -> list[Path]:
    """Checkpoints that are not whole (yet)."""
    found = folder.glob(CHECKPOINTS)
    return [path for path in found if path.is_dir() and not (path / "whole.json").is_file()]


def _writing_s(folder: Path) -> float:
    """Seconds from the first file of a whole checkpoint to its mark; without any, a guess."""
    for path in folder.glob(CHECKPOINTS):
        try:
            times = [file.stat().st_mtime for file in path.iterdir()]
            if (path / "whole.json").is_file():
                return max(times) - min(times)
        except FileNotFoundError:
            continue
    return 0.05


def full_disk(whole: Whole, folder: Path, dice: random.Random, number: int) -> Outcome:
    """A disk of a size drawn between nothing and what the run takes; then one with room."""
    chain = Chain(whole, folder, dice, 0)
    outcome, runs = chain.outcome, folder / "runs"
    kept = folder / "copied"
    runs.rename(kept)
    runs.mkdir()
    needed = _size(whole.folder / "runs") + (2 << 20 if "train" in whole.phase.fresh else 0)
    there = _size(kept)
    _mount(runs, there + (64 << 10))
    try:
        shutil.copytree(kept / "store", runs / "store")
        for share in sorted(dice.random() for _ in range(number)):
            _remount(runs, there + (48 << 10) + int(share * max(0, needed - there)))
            running = chain.phase.start(folder)
            code = running.finish()
            if code == 0:
                outcome.missed += 1
                break
            outcome.events += 1
            said = running.errors()
            if code != 3 or len(said) != 1 or "room" not in said[0]:
                outcome.wrong.append(f"exit code {code} and {said}, not 3 and one line")
            _remount(runs, needed + (AROUND_MIB << 20))
            chain._account(running)
        _remount(runs, needed + (AROUND_MIB << 20))
        chain.end()
    finally:
        subprocess.run(["umount", str(runs)], check=True)
    return outcome


def _size(folder: Path) -> int:
    """Bytes on disk, by pages of 4 KiB."""
    return sum(-(-path.lstat().st_size // 4096) * 4096 for path in folder.rglob("*"))


def _mount(place: Path, size: int) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)


def _remount(place: Path, size: int) -> None:
    """Never smaller than what is there."""
    used = shutil.disk_usage(place).used
    options = f"remount,size={max(size, used + 4096)}"
    subprocess.run(["mount", "-o", options, str(place)], check=True)


def truncated(whole: Whole, folder: Path, dice: random.Random, number: int) -> Outcome:
    """A part of a finished run is cut anywhere."""
    return _damaged(whole, folder, dice, number, lambda data: data[: dice.randrange(len(data))])


def flipped(whole: Whole, folder: Path, dice: random.Random, number: int) -> Outcome:
    """A bit of a part of a finished run is another one."""

    def flip(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        return bytes(changed)

    return _damaged(whole, folder, dice, number, flip)


def _damaged(
    whole: Whole, folder: Path, dice: random.Random, number: int, damage: Callable[[bytes], bytes]
) -> Outcome:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole.folder, folder)
    chain = object.__new__(Chain)
    chain.whole, chain.folder, chain.phase, chain.outcome = whole, folder, whole.phase, Outcome()
    for _ in range(number):
        parts = sorted((folder / "runs" / "store").rglob("*.parquet"))
        part = dice.choice(parts)
        bad = damage(part.read_bytes())
        part.write_bytes(bad)
        running = chain.phase.start(folder)
        chain._ended(running)
        chain.outcome.events += 1
        drawn = sum(line[2] == "drawn" for line in running.lines())
        chain.outcome.redone = max(chain.outcome.redone, drawn)
        if drawn > whole.phase.part:
            chain.outcome.wrong.append(f"{drawn} responses were drawn for one part")
        said = running.warnings()
        if len(said) != 1 or part.name not in said[0]:
            chain.outcome.wrong.append(f"{part.name} was damaged, said was {said}")
        if part.with_name(f"{part.name}.damaged-1").read_bytes() != bad:
            chain.outcome.wrong.append(f"{part.name} was not set aside as it was")
        chain.compare()
    return chain.outcome


def two_runs(whole: Whole, folder: Path, dice: random.Random, number: int) -> Outcome:
    """Two runs on one store at once, and one of them twice; one is shot on the way."""
    chain = Chain(whole, folder, dice, 0)
    outcome = chain.outcome
    for _ in range(number):
        for name in ("sample", *STAGES):
            shutil.rmtree(folder / "runs" / "store" / name, ignore_errors=True)
        for name in ("chaos", "other"):
            shutil.rmtree(folder / "runs" / name, ignore_errors=True)
        first = chain.phase.start(folder)
        other = chain.phase.start(folder, "--name", "other")
        first.until((folder / "runs" / "chaos" / ".lock").exists)
        if first.sleep(dice.uniform(0, 2 * whole.seconds)):
            _busy(chain, outcome)
            shot(first, outcome)
            outcome.events += 1
        else:
            outcome.missed += 1
        chain._ended(other)
        again = chain.phase.start(folder)
        chain._ended(again)
        drawn = [line[3] for line in first.lines() if line[2] == "drawn"]
        twice = len(drawn) - len(set(drawn))
        outcome.redone = max(outcome.redone, twice)
        if twice >= 2 * whole.phase.part:
            outcome.wrong.append(f"{twice} responses were drawn twice by two runs on one store")
        _same_records(chain, RUN)
        _same_records(chain, Path("runs") / "other")
    return outcome


def _busy(chain: Chain, outcome: Outcome) -> None:
    """A second command on the same run is told to wait."""
    second = chain.phase.start(chain.folder)
    code, said = second.finish(), second.errors()
    if code != 3 or len(said) != 1 or "another process" not in said[0]:
        outcome.wrong.append(f"a second command on one run: exit code {code} and {said}")


def _same_records(chain: Chain, run: Path) -> None:
    """What was shared is charged once, so tokens are not compared."""
    before = list(chain.outcome.wrong)
    chain.compare(run)
    more = [line for line in chain.outcome.wrong[len(before) :] if not line.startswith("tokens.")]
    chain.outcome.wrong = before + more


KINDS: dict[str, Kind] = {
    "sampling": Kind("kill -9 while the fake engine samples", FAKE, 10, kills, 70),
    "derived": Kind("kill -9 while steps are derived", LATER, 8, kills, 60),
    "group": Kind("the same, with a worker process", WORKED, 5, kills, 10),
    "worker": Kind("kill -9 of the sampling worker alone", WORKED, 5, workers, 10),
    "term": Kind("SIGTERM while the fake engine samples", WORKED, 5, terms, 10),
    "truncated": Kind("a part is cut", EVERYTHING, 10, truncated, 20),
    "flipped": Kind("a bit of a part is flipped", EVERYTHING, 10, flipped, 20),
    "two_runs": Kind("two runs on one store, one shot", EVERYTHING, 4, two_runs, 10),
    "full": Kind("the disk is full while sampling and deriving", EVERYTHING, 5, full_disk, 10),
    "vllm": Kind("kill -9 while vLLM samples", VLLM, 5, kills, 20),
    "vllm_worker": Kind("kill -9 of the vLLM worker alone", VLLM, 3, workers, 3),
    "vllm_engine": Kind("kill -9 of vLLM's engine process alone", ENGINE, 3, engines, 3),
    "vllm_term": Kind("SIGTERM while vLLM samples", VLLM, 3, terms, 3),
    "training": Kind("kill -9 while a model trains", TRAINING, 5, kills, 20),
    "checkpoint": Kind("kill -9 while a checkpoint is written", TRAINING, 5, in_checkpoints, 5),
    "training_term": Kind("SIGTERM while a model trains", TRAINING, 3, terms, 3),
    "training_full": Kind("the disk is full while a model trains", TRAINING, 4, full_disk, 4),
    "zero": Kind("kill -9 while two ZeRO-2 processes train", ZERO, 5, kills, 10),
}
