"""Blocks become the plain steps that one would have written by hand."""

from __future__ import annotations

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.blocks import unrolled
from reason_w2s.recipe.load import load_plan
from reason_w2s.recipe.yaml_file import value
from tests.runs.small import RECIPE, project

CHAIN = """
first: {train: {init: base, of: gold}}
loop:
  for: {round: [1, 2]}
  carry: {policy: first}
  next: {policy: tuned}
  do:
    slice: {problems: {of: train, part: "${round}/2", salt: 0}}
    drawn: {sample: {model: policy, of: slice, sampling: {n: 4}}}
    graded: {check: {of: drawn}}
    pairs:
      pair:
        of: [graded, first_graded]
        rules: [{when: {graded.correct: true}, chosen: {model: policy}, rejected: {model: first}}]
    kept: {select: {of: graded, where: {graded.correct: true}, by: [-graded.rule, n_tokens]}}
    tuned: {train: {init: policy, ref: first, of: kept}}
last: {sample: {model: loop.tuned, of: train}}
best: {select: {of: loop.kept, where: {loop.graded.correct: true}}}
"""


def steps(text, **more):
    return unrolled({"steps": value(text), **more}, "r.yaml")


def test_a_chain_is_what_one_would_write_by_hand():
    found = steps(CHAIN)
    assert list(found["steps"]) == [
        "first",
        *(
            f"loop.{round}.{name}"
            for round in (1, 2)
            for name in ("drawn", "graded", "pairs", "kept", "tuned")
        ),
        "last",
        "best",
    ]
    assert found["steps"]["loop.1.drawn"]["sample"]["model"] == "first"
    assert found["steps"]["loop.2.drawn"] == {
        "sample": {"model": "loop.1.tuned", "of": "loop.2.slice", "sampling": {"n": 4}}
    }
    assert found["steps"]["loop.2.pairs"]["pair"] == {
        "of": ["loop.2.graded", "first_graded"],
        "rules": [
            {
                "when": {"loop.2.graded.correct": True},
                "chosen": {"model": "loop.1.tuned"},
                "rejected": {"model": "first"},
            }
        ],
    }
    assert found["steps"]["loop.2.kept"]["select"] == {
        "of": "loop.2.graded",
        "where": {"loop.2.graded.correct": True},
        "by": ["-loop.2.graded.rule", "n_tokens"],
    }
    assert found["steps"]["loop.2.tuned"]["train"] == {
        "init": "loop.1.tuned",
        "ref": "first",
        "of": "loop.2.kept",
    }


def test_outside_a_chain_its_steps_are_the_last_ones():
    found = steps(CHAIN)["steps"]
    assert found["last"]["sample"]["model"] == "loop.2.tuned"
    assert found["best"]["select"] == {
        "of": "loop.2.kept",
        "where": {"loop.2.graded.correct": True},
    }


def test_problem_sets_among_the_steps_stand_with_the_others():
    found = steps(CHAIN, problems={"train": {"source": "world"}})["problems"]
    assert found == {
        "train": {"source": "world"},
        "loop.1.slice": {"of": "train", "part": "1/2", "salt": 0},
        "loop.2.slice": {"of": "train", "part": "2/2", "salt": 0},
    }


FAN = """
each:
  for: {size: [small, large]}
  do:
    drawn: {sample: {model: "${size}", of: train}}
    graded: {check: {of: drawn}}
all: {select: {of: each.graded, where: {model: each.drawn}}}
"""


def test_without_carry_rounds_are_independent_and_a_name_outside_is_all_of_them():
    found = steps(FAN, evaluate={"models": {"one": "small", "both": "each.drawn"}})
    assert found["steps"]["each.large.drawn"]["sample"]["model"] == "large"
    assert found["steps"]["all"]["select"]["of"] == ["each.small.graded", "each.large.graded"]
    assert found["steps"]["all"]["select"]["where"] == {
        "model": {"in": ["each.small.drawn", "each.large.drawn"]}
    }
    assert found["evaluate"]["models"] == {
        "one": "small",
        "both-1": "each.small.drawn",
        "both-2": "each.large.drawn",
    }


def test_values_that_are_mappings_are_counted_and_their_keys_read():
    text = """
    grid:
      for: {cell: [{n: 4, t: 0.5}, {n: 8, t: 1.0}]}
      do: {drawn: {sample: {of: train, sampling: {n: "${cell.n}", temperature: "${cell.t}"}}}}
    """
    found = steps(text)["steps"]
    assert list(found) == ["grid.1.drawn", "grid.2.drawn"]
    assert found["grid.2.drawn"]["sample"]["sampling"] == {"n": 8, "temperature": 1.0}


def test_a_block_in_a_block():
    text = """
    outer:
      for: {a: [x, y]}
      do:
        inner:
          for: {b: [1, 2]}
          carry: {m: base}
          next: {m: t}
          do: {d: {sample: {model: m, of: "${a}"}}, t: {train: {init: m, of: d}}}
        after: {sample: {model: inner.t, of: "${a}"}}
    end: {select: {of: outer.after}}
    """
    found = steps(text)["steps"]
    assert found["outer.y.inner.2.t"]["train"] == {
        "init": "outer.y.inner.1.t",
        "of": "outer.y.inner.2.d",
    }
    assert found["outer.y.after"]["sample"] == {"model": "outer.y.inner.2.t", "of": "y"}
    assert found["end"]["select"]["of"] == ["outer.x.after", "outer.y.after"]


def test_texts_that_only_look_like_names_stay():
    text = """
    loop:
      for: {r: [1]}
      carry: {a: base}
      next: {a: t}
      do:
        d: {sample: {model: a, of: train, prompt: {template: "a {question} ${r}"}}}
        t: {train: {init: a, of: d, objective: a}}
    """
    found = steps(text)["steps"]
    assert found["loop.1.d"]["sample"]["prompt"] == {"template": "a {question} ${r}"}
    assert found["loop.1.t"]["train"]["objective"] == "a"


def test_a_recipe_without_blocks_is_left_as_it_is():
    recipe = value(RECIPE)
    assert unrolled(recipe, "r.yaml") == recipe


MISTAKES = {
    "unknown key": ("b: {for: {r: [1]}, until: x, do: {d: {check: {of: e}}}}", "steps.b: unknown"),
    "no values": (
        "b: {for: {r: []}, do: {d: {check: {of: e}}}}",
        r"steps.b.for.r: expected a list",
    ),
    "two variables": (
        "b: {for: {r: [1], s: [2]}, do: {d: {check: {of: e}}}}",
        "steps.b.for: expected one variable",
    ),
    "no steps": ("b: {for: {r: [1]}, do: {}}", "steps.b.do: expected steps"),
    "carry without next": (
        "b: {for: {r: [1]}, carry: {m: x}, do: {d: {check: {of: e}}}}",
        "'carry' and 'next'",
    ),
    "next of no step": (
        "b: {for: {r: [1]}, carry: {m: x}, next: {m: dd}, do: {d1: {check: {of: e}}}}",
        "steps.b.next.m: no step 'dd' in it",
    ),
    "missing key of a variable": (
        "b: {for: {c: [{n: 1}]}, do: {d: {check: {of: '${c.m}'}}}}",
        r"no key 'm' in that variable \(it has: n\)",
    ),
}


@pytest.mark.parametrize(("text", "says"), MISTAKES.values(), ids=list(MISTAKES))
def test_mistakes_say_where(text, says):
    with pytest.raises(ConfigError, match=says):
        steps(text)


def test_a_recipe_with_a_block_is_planned_and_overlaid(tmp_path):
    block = """\
  rounds:
    for: {round: [1, 2]}
    do:
      again: {sample: {model: weak, of: train, seed: "${round}", sampling: {n: 4, max_tokens: 64}}}
      marked: {check: {of: again}}
  right: {select: {of: rounds.marked}}
"""
    path = project(tmp_path, RECIPE + block)
    small = tmp_path / "small_overlay.yaml"
    small.write_text("every: [{where: {stage: sample}, set: {sampling: {n: 1}}}]\n")
    plan, _ = load_plan(path, overlays=[small], seed=None)
    assert [plan.steps[f"rounds.{n}.again"].seed for n in (1, 2)] == [1, 2]
    assert plan.steps["rounds.2.again"].config["sampling"]["n"] == 1
    assert plan.steps["right"].of == ("rounds.1.marked", "rounds.2.marked")
