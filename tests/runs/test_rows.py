"""Records read back: several annotations of the same traces are one reading of them."""

from __future__ import annotations

import pytest

from reason_w2s.runs import rows
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
