"""Records read back: several annotations of the same traces are one reading of them."""

from __future__ import annotations

import pytest

from reason_w2s.errors import Damaged
from reason_w2s.runs import rows
from reason_w2s.runs.store import parts
from tests.runs.small import RECIPE, project, run

BESIDE = RECIPE.replace("clean: {stepcheck: {of: graded}}", "clean: {stepcheck: {of: drawn}}")


@pytest.mark.parametrize(
    ("of", "reads"),
    [
        ("[graded, clean]", 1),
        ("[clean, graded, votes]", 1),
        ("[votes, votes]", 1),
        ("[some, graded]", 2),
    ],
)
def test_a_union_has_the_columns_of_all(tmp_path, monkeypatch, of, reads):
    more = f"""\
  votes: {{vote: {{of: graded}}}}
  some: {{select: {{of: clean, where: {{clean.n_steps: {{min: 1}}}}}}}}
  both: {{select: {{of: {of}, where: {{finish_reason: {{not: error}}}}}}}}
"""
    made = run(project(tmp_path, BESIDE.replace("clean, where", "[graded, clean], where").replace(
        "of: clean, rules", "of: [graded, clean], rules") + more))  # fmt: skip
    apart = rows._union([list(rows.rows(made.store, one)) for one in made.items["both"].of])
    expected = {row.trace.key: row for row in apart}
    asked = []
    drawn = rows.drawn
    monkeypatch.setattr(rows, "drawn", lambda *given: asked.append(1) or drawn(*given))
    found = list(rows.of(made.store, made.items["both"].of))
    assert {row.trace.key: row for row in found} == expected
    assert len(found) == len(expected) > 30
    assert len(asked) == reads


def test_only_the_columns_that_will_be_asked_for_are_read(tmp_path):
    made = run(project(tmp_path, RECIPE))
    clean = made.items["clean"]
    whole = list(rows.rows(made.store, clean))
    some = list(rows.rows(made.store, clean, ["graded.correct", "clean.ends.min", "text"]))
    none = list(rows.rows(made.store, clean, ()))
    assert {name for row in some for name in row.columns} == {"graded.correct", "clean.ends"}
    assert [row.columns for row in none] == [{}] * len(whole)
    for row, same, bare in zip(whole, some, none, strict=True):
        assert row.trace == same.trace == bare.trace and row.problem == same.problem == bare.problem
        assert same.columns == {name: row.columns[name] for name in same.columns}


def test_what_the_store_has_lost_is_named(tmp_path):
    made = run(project(tmp_path, RECIPE))
    for part in parts(made.store.folder("check", made.items["graded"].key)):
        part.unlink()
    with pytest.raises(Damaged, match="are not there"):
        list(made.rows("graded"))
