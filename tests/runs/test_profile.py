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


@pytest.mark.parametrize(("total", "most"), [(1, 1), (None, 2)])
def test_total_limits_all_kinds_together(total, most, tmp_path, monkeypatch):
    seen = []
    start_ready = execute._Pool._start_ready

    def counted(pool):
        moved = start_ready(pool)
        seen.append(len(pool.busy))
        return moved

    monkeypatch.setattr(execute._Pool, "_start_ready", counted)
    workers = KINDS.workers.model_copy(update={"engine": 2, "total": total})
    run(project(tmp_path, TWICE), profile=KINDS.model_copy(update={"workers": workers}))
    assert max(seen) == most
