"""What a training leaves for the next lies with it; one without examples changes nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.conftest import make_model
from tests.runs.small import RECIPE, project, run

STEPS = """\
  few: {select: {of: clean, take: 4}}
  none: {select: {of: clean, take: 0}}
  still: {train: {objective: sft, init: weak, of: none, min_examples: 0, batch: 2, updates: 2}}
  first: {train: {objective: sft, init: still, of: few, keep_optimizer: true, batch: 2, updates: 2}}
  then: {train: {objective: sft, init: first, of: few, keep_optimizer: true, batch: 2, updates: 2}}
  anew: {train: {objective: sft, init: first, of: few, batch: 2, updates: 2}}
"""


@pytest.mark.slow
@pytest.mark.torch
def test_a_chain_through_the_store(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    make_model(tmp_path / "weak", positions=1024)
    recipe = RECIPE.replace("nobody/weak", str(tmp_path / "weak")) + STEPS
    done = run(project(tmp_path, recipe))
    items = done.items
    assert items["still"].reference().path == items["weak"].reference().path
    assert items["still"].digest == items["weak"].digest
    assert items["still"].counts["updates"] == 0
    assert len({items[name].digest for name in ("weak", "first", "then", "anew")}) == 4
    trained = {name: item for name, item in items.items() if item.stage == "train"}
    folders = {name: done.store.folder("train", item.key) for name, item in trained.items()}
    left = {name for name, folder in folders.items() if (folder / "optimizer").exists()}
    assert left == {"first"}, "then goes on from it; nothing goes on from the others"
    again = run(tmp_path / "small.yaml")
    assert {name: item.digest for name, item in again.items.items()} == {
        name: item.digest for name, item in items.items()
    }
    state = folders["first"] / "optimizer" / "state.pt"
    data = bytearray(state.read_bytes())
    data[len(data) // 2] ^= 1
    state.write_bytes(bytes(data))
    said = io.StringIO()
    mended = run(tmp_path / "small.yaml", "steps.then.train.updates=3", said=said)
    assert said.getvalue().count("warning: ") == 1
    assert (folders["first"] / "optimizer.damaged-1" / "state.pt").read_bytes() == data
    assert mended.items["first"].digest == items["first"].digest
