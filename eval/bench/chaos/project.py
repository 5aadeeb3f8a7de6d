"""The folder a trial runs in: a small recipe over every kind of step, profiles, and hooks."""

from __future__ import annotations

import shutil
from pathlib import Path

RECIPE = """\
# Draw, judge, choose and train: small, and of every kind of step.
name: chaos
models:
  weak:
    scratch: {of: train, vocab_size: 300, hidden: 32, layers: 1, heads: 1, max_positions: 256}
    prompt: qa
problems:
  train: {source: world, split: train, take: 40}
steps:
  drawn: {sample: {model: weak, of: train, sampling: {n: 6, max_tokens: %(tokens)d}}}
  graded: {check: {of: drawn, kind: number}}
  clean: {stepcheck: {of: graded}}
  voted: {vote: {of: clean, kind: number}}
  rated: {difficulty: {of: graded, truth: graded.correct}}
  chosen: {select: {of: voted, by: [-voted.share], per: problem, take: 2}}
  pairs:
    pair: {of: clean, rules: [{chosen: {graded.correct: true}, rejected: {graded.correct: false}}]}
  tuned:
    train:
      objective: sft
      init: weak
      of: chosen
      batch: 4
      updates: %(updates)d
      trainer: {learning_rate: 1e-3}
"""
PROFILE = """\
isolate: %(isolate)s
sampler: %(sampler)s
workers: {engine: 1, torch: 1}
engine: {enforce_eager: true, kv_cache_gib: 0.25, max_num_seqs: 16, threads: 1}
train: {device: cpu, threads: 1, save_updates: 6%(train)s}
environment: {OMP_NUM_THREADS: "1", TOKENIZERS_PARALLELISM: "false"}
"""
ZERO = ", processes: 2, zero_stage: 2, micro_batch: 2"
HOOKS = Path(__file__).with_name("hooks.py")


def make(
    folder: Path, *, sampler: str, isolate: str, zero: bool, tokens: int, updates: int
) -> None:
    """Write recipe, profile and hooks into a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "chaos.yaml").write_text(RECIPE % {"tokens": tokens, "updates": updates})
    profile = PROFILE % {
        "sampler": sampler,
        "isolate": isolate,
        "train": ZERO if zero else "",
    }
    (folder / "profile.yaml").write_text(profile)
    (folder / "hooks").mkdir()
    # loaded by every Python that starts with this folder on its path
    shutil.copy(HOOKS, folder / "hooks" / "sitecustomize.py")
