"""Profiles: every shipped one loads, and how many processes work at once is theirs to say."""

from __future__ import annotations

import pytest

from reason_w2s.recipe.yaml_file import parse, read
from reason_w2s.runs import execute
from reason_w2s.runs.profile import Profile
from tests.runs.small import KINDS, RECIPE, ROOT, project, run

PROFILES = sorted((ROOT / "launch" / "profiles").glob("*.yaml"))
TWICE = RECIPE + "  again: {sample: {model: weak, of: train, sampling: {n: 2, top_p: 0.5}}}\n"


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_shipped_profile_loads(path):
    profile = parse(Profile, read(path), str(path))
    # one GPU's memory holds an engine or a trainer, not both
    assert profile.train.device == "cpu" or profile.workers.total == 1


ALIKE = RECIPE + "  again: {sample: {model: weak, of: train, sampling: {n: 4, max_tokens: 64}}}\n"


@pytest.mark.parametrize(("total", "most"), [(1, 1), (None, 2)])
def test_total_limits_all_kinds_together(total, most, tmp_path, monkeypatch):
    assert at_once(TWICE, total, tmp_path, monkeypatch) == most


def test_what_is_under_way_by_another_name_is_waited_for(tmp_path, monkeypatch):
    assert at_once(ALIKE, None, tmp_path, monkeypatch) == 1
    logs = "".join(path.read_text() for path in (tmp_path / "runs/one/logs").iterdir())
    assert logs.count("(sample)") == 1, "what came of it is found, no worker is asked again"


def at_once(recipe, total, folder, monkeypatch):
    """How many of two workers for sampling ever worked at once."""
    seen = []
    start_ready = execute._Pool._start_ready

    def counted(pool):
        moved = start_ready(pool)
        seen.append(len(pool.busy))
        return moved

    monkeypatch.setattr(execute._Pool, "_start_ready", counted)
    workers = KINDS.workers.model_copy(update={"engine": 2, "total": total})
    run(project(folder, recipe), profile=KINDS.model_copy(update={"workers": workers}))
    return max(seen)
