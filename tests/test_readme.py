"""The README says what is there: its tree is the disk's, its table is made from the baselines."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from reason_w2s.cli import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# files that belong beside the tree, not in it
BESIDE = {"README.md", "LICENSE", "CONTRIBUTING.md", "CHANGELOG.md"}


def tree() -> list[str]:
    """The paths of the README's tree."""
    block = next(part for part in README.split("```") if part.startswith("\npyproject.toml"))
    paths, folder = [], ""
    for line in block.strip().splitlines():
        name = line.split()[0]
        nested = line.startswith("  ")
        if name.endswith("/") and not nested:
            folder = name
        paths.append(folder + name if nested else name)
    return paths


def test_everything_in_the_tree_is_on_the_disk():
    missing = [path for path in tree() if not (ROOT / path).exists()]
    assert not missing


def test_everything_on_the_disk_is_in_the_tree():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    shown = {path.rstrip("/") for path in tree()}
    for path in tracked:
        parts = Path(path).parts
        if path.startswith(".") or path in BESIDE:
            continue
        assert parts[0] in shown, f"{path} is not in the README's tree"
        inside = parts[0] == "reason_w2s" and len(parts) > 1 and not parts[1].startswith("__")
        if inside and parts[1] != "py.typed":
            assert "/".join(parts[:2]) in shown, f"{path} is not in the README's tree"


def test_results_table_is_that_of_the_baselines():
    done = subprocess.run(
        [sys.executable, "eval/results_table.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_commands_it_names_exist():
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    named = set(re.findall(r"reason-w2s ([a-z]+)", README))
    assert named <= known


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"(?:recipes|launch|eval)/[\w./-]+\w", README)))
)
def test_paths_it_names_exist(path):
    assert (ROOT / path).exists()


def test_the_answer_checkers_tables_are_made_from_its_figures():
    table = [sys.executable, "eval/answers_table.py", "--check"]
    made = subprocess.run(table, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
