"""Score steps of a run: what they find, what resumes, and what uses the columns."""

from __future__ import annotations

import pytest

from reason_w2s.engines import EngineSettings, measures
from reason_w2s.errors import ConfigError, W2SError
from reason_w2s.recipe.load import load_plan
from reason_w2s.runs.makers import scores
from reason_w2s.runs.makers.trained import examples
from reason_w2s.runs.results import results
from reason_w2s.runs.run import Selection
from reason_w2s.runs.store import read_json
from reason_w2s.stages.train import TrainConfig
from reason_w2s.train.config import TokenScores
from tests.runs.small import RECIPE, project, run

SCORED = RECIPE.replace("{path: nobody/weak, prompt: qa}", "{path: WEAK, prompt: qa}")
SCORED = (
    SCORED.replace("problems:", "  other: {path: OTHER, prompt: qa}\nproblems:", 1)
    + """\
  fit: {score: {of: clean, kind: logprobs, model: weak}}
  odd: {score: {of: clean, kind: ranks, model: weak}}
  ce: {score: {of: clean, kind: contrast, positive: weak, negative: other}}
  prm: {score: {of: [fit, odd, ce], kind: implicit, model: weak, ref: other, beta: 2}}
  least: {select: {of: prm, where: {fit.steps.min: {max: 0}}, by: [-fit.tokens.mean], take: 3}}
"""
)


WEIGHED = """\
  both: {pair: {of: ce, rules: [{chosen: {}, rejected: {ce.value: {not: null}}, max: 1}]}}
  tuned:
    train:
      objective: dpo
      init: weak
      of: both
      batch: 2
      updates: 1
      loss: {name: critical_tokens, scores: ce.tokens}
"""


@pytest.fixture
def recipe(tmp_path, tiny_model, other_tiny_model):
    text = SCORED.replace("WEAK", str(tiny_model)).replace("OTHER", str(other_tiny_model))
    return project(tmp_path, text, n=5)


@pytest.mark.torch
def test_every_kind_scores_every_trace(recipe, tiny_model, other_tiny_model) -> None:
    done = run(recipe)
    rows = list(done.rows("prm"))
    assert len(rows) == 20
    scored = [row for row in rows if row.columns["fit.value"] is not None]
    blank = {row.trace.key for row in rows} - {row.trace.key for row in scored}
    assert blank == {
        row.trace.key
        for row in rows
        if row.trace.finish_reason == "length" and not row.trace.text.strip()
    }
    for row in scored:
        found = row.columns
        count = len(found["fit.tokens"])
        for step in ("fit", "odd", "ce", "prm"):
            assert len(found[f"{step}.tokens"]) == len(found[f"{step}.ends"]) == count
        if row.trace.text:  # an empty one has an end token and no step
            assert sum(found["fit.steps"]) == pytest.approx(sum(found["fit.tokens"]), rel=1e-5)
            assert sum(found["prm.steps"]) == pytest.approx(found["prm.value"])
        assert all(0 <= share <= 1 for share in found["ce.tokens"])
        surprisal = -sum(found["fit.tokens"])
        assert found["odd.value"] == pytest.approx(sum(found["odd.tokens"]) / surprisal, rel=1e-4)
    _against_plain(max(scored, key=lambda row: len(row.trace.text)), tiny_model, other_tiny_model)
    means = sorted(row.value("fit.tokens.mean") for row in scored if row.columns["fit.steps"])
    kept = sorted(row.value("fit.tokens.mean") for row in done.rows("least"))
    assert kept == means[-3:]


def _against_plain(row, tiny_model, other_tiny_model) -> None:
    """The implicit reward by two scorers of one sequence, prompt and end token as in training."""
    from reason_w2s import prompts
    from reason_w2s.engines.model_folder import load_tokenizer
    from reason_w2s.engines.scorer import HfScorer

    tokenizer = load_tokenizer(tiny_model)
    asked = prompts.encode(prompts.render(prompts.load("qa"), row.problem), tokenizer)
    text = prompts.load("qa").separator + row.trace.text
    said = tokenizer(text, add_special_tokens=False)["input_ids"]
    said += [tokenizer.eos_token_id] * (row.trace.finish_reason == "stop")
    settings = EngineSettings(dtype="float32")
    models = [HfScorer(folder, settings) for folder in (tiny_model, other_tiny_model)]
    policy, reference = (model.logprobs([(asked, said)])[0] for model in models)
    ratios = [2 * (one - other) for one, other in zip(policy, reference, strict=True)]
    assert list(row.columns["prm.tokens"]) == pytest.approx(ratios, abs=1e-4)


@pytest.mark.torch
def test_a_second_run_scores_nothing_again_and_more_traces_only_themselves(
    recipe, monkeypatch
) -> None:
    run(recipe)
    seen: list[int] = []
    whole = scores._pass

    def counted(work, cfg, number, todo, size):
        seen.append(len(todo))
        return whole(work, cfg, number, todo, size)

    monkeypatch.setattr(scores, "_pass", counted)
    done = run(recipe, name="two")
    assert seen == []
    ledger = {row["step"]: row for row in read_json(done.folder / "ledger.json")["rows"]}
    assert ledger["fit"]["shared"]
    assert ledger["fit"]["tokens_scored"] == 0
    more = run(recipe, "steps.drawn.sample.sampling.n=5", name="three")
    assert seen and set(seen) == {5}
    paid = {row["step"]: row for row in read_json(more.folder / "ledger.json")["rows"]}
    scored = {row.trace.key: row.columns["fit.tokens"] or () for row in more.rows("fit")}
    before = {row.trace.key for row in done.rows("fit")}
    new = sum(len(tokens) for key, tokens in scored.items() if key not in before)
    assert paid["fit"]["tokens_scored"] == new > 0
    assert more.items["fit"].counts["tokens"] == sum(map(len, scored.values()))


@pytest.mark.torch
def test_a_killed_step_goes_on_where_it_was(recipe, monkeypatch) -> None:
    """In parts of eight traces: the first model's are kept, and those of the second so far."""
    fresh = {row.trace.key: row.columns["prm.tokens"] for row in run(recipe, name="a").rows("prm")}
    monkeypatch.setattr(scores, "PART", 8)
    written, asked = [], []
    write, whole = scores.write_part, scores._pass

    def dying(folder, rows, schema, cost, **more):
        if "prm" in died and len(written) == 4:
            raise KeyboardInterrupt
        written.append(more)
        return write(folder, rows, schema, cost, **more)

    def counted(work, cfg, number, todo, size):
        asked.append((work.step.name, number, len(todo)))
        return whole(work, cfg, number, todo, size)

    again = Selection(until=("prm",), redo=("prm",))
    died = {"prm"}
    monkeypatch.setattr(scores, "write_part", dying)
    monkeypatch.setattr(scores, "_pass", counted)
    with pytest.raises(KeyboardInterrupt):
        run(recipe, name="a", selection=again)
    assert asked == [("prm", 0, 20), ("prm", 1, 20)]
    died.clear()
    asked.clear()
    done = run(recipe, name="a", selection=Selection(until=("prm",)))
    assert asked == [("prm", 0, 0), ("prm", 1, 12)]
    assert not list(done.store.folder("score", done.items["prm"].key).glob("pass*"))
    for row in done.rows("prm"):
        assert list(row.columns["prm.tokens"]) == pytest.approx(fresh[row.trace.key], abs=1e-5)


@pytest.mark.torch
def test_training_weighs_by_what_was_scored(recipe) -> None:
    pytest.importorskip("trl")
    recipe.write_text(recipe.read_text() + WEIGHED)
    done = run(recipe, selection=Selection(until=("tuned",)))
    found, named = done.pairs("both")
    config = TrainConfig.model_validate(load_plan(recipe, seed=None)[0].steps["tuned"].config)
    made = list(examples(done.store, [done.items["both"]], config))
    assert len(made) == len(found) == 5
    for one, pair in zip(made, found, strict=True):
        columns = named[pair.rejected].columns
        assert one.scores == TokenScores(tuple(columns["ce.tokens"]), columns["ce.vocabulary"])
    before = done.items["tuned"].key
    again = run(recipe, "steps.ce.score.beta=0.5", selection=Selection(until=("tuned",)))
    assert again.items["both"].digest == done.items["both"].digest
    assert again.items["tuned"].key != before


def test_columns_inside_blocks_keep_their_reductions(tmp_path) -> None:
    text = (
        SCORED[: SCORED.index("  fit:")]
        + """\
  loop:
    for: {round: [1, 2]}
    do:
      fit: {score: {of: clean, kind: logprobs, model: weak}}
      ce: {score: {of: fit, kind: contrast, positive: weak, negative: other}}
      few: {select: {of: ce, where: {fit.steps.min: {max: 0}}, by: [-ce.tokens.mean], take: 3}}
"""
    )
    text += WEIGHED.replace("\n  ", "\n      ").replace("  both", "      both", 1)
    plan, _ = load_plan(project(tmp_path, text), seed=None)
    few, tuned = plan.steps["loop.2.few"], plan.steps["loop.2.tuned"]
    assert few.config["where"] == {"loop.2.fit.steps.min": {"max": 0}}
    assert few.config["by"] == ["-loop.2.ce.tokens.mean"]
    assert tuned.config["loss"]["scores"] == "loop.2.ce.tokens"


@pytest.mark.torch
def test_models_of_different_vocabularies_are_refused(recipe, tmp_path, other_tiny_model) -> None:
    from tests.conftest import WORDS, make_model

    WORDS[-1], kept = "other", WORDS[-1]
    try:
        odd = make_model(tmp_path / "odd")
    finally:
        WORDS[-1] = kept
    recipe.write_text(recipe.read_text().replace(str(other_tiny_model), str(odd)))
    with pytest.raises(ConfigError) as caught:
        run(recipe)
    assert str(caught.value).startswith(
        "steps.ce.score: 'weak' and 'other' do not share a vocabulary (2 tokens differ)"
    )


MISTAKES = {
    "a role too few": (", negative: other", "", "'negative' is missing: kind: contrast needs a"),
    "a role too many": (
        "kind: ranks, model: weak",
        "kind: ranks, model: weak, ref: other",
        "steps.odd.score.ref: kind: ranks takes model; remove it",
    ),
    "no such kind": ("kind: ranks", "kind: rank", "steps.odd.score.kind"),
    "no such reduction": ("fit.steps.min", "fit.steps.mni", "did you mean 'fit.steps.min'?"),
    "scores of no tokens": (
        "scores: ce.tokens",
        "scores: ce.steps",
        "steps.tuned.train.loss.scores: 'ce.steps' holds no scores of tokens; expected STEP.tokens",
    ),
    "no reduction of a number": ("fit.steps.min", "fit.value.min", "no column 'fit.value.min'"),
    "an order of lists": (
        "-fit.tokens.mean",
        "-fit.tokens",
        "steps.least.select.by: 'fit.tokens' is a list; expected one number of it: fit.tokens.min",
    ),
    "a range of lists": ("fit.steps.min", "fit.steps", "select.where: 'fit.steps' is a list; exp"),
    "at an endpoint": (
        "{path: OTHER, prompt: qa}",
        "{path: 'http://localhost:1/v1', prompt: qa}",
        "steps.ce.score.negative: 'other' is at an endpoint, where it can be sampled only",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_line(tmp_path, name: str) -> None:
    old, new, said = MISTAKES[name]
    assert old in SCORED + WEIGHED
    with pytest.raises(W2SError) as caught:
        load_plan(project(tmp_path, (SCORED + WEIGHED).replace(old, new)), seed=None)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_measures_are_named_for_every_kind_of_tokens() -> None:
    pytest.importorskip("torch")
    from reason_w2s.stages.score import KINDS, TOKENS
    from reason_w2s.stages.scoring import MEASURES

    assert set(MEASURES) == {name for name, kind in KINDS.items() if kind.opens == TOKENS}
    assert callable(measures.logprobs)


@pytest.mark.torch
def test_the_report_says_what_was_scored_and_holds_no_lists_of_tokens(recipe) -> None:
    from reason_w2s.report.html import render

    done = run(recipe)
    found = results(done)
    (row,) = (row for row in found["ledger"]["rows"] if row["step"] == "fit")
    assert row["tokens_scored"] > 0
    assert f"<small>{row['tokens_scored']:,} scored</small>" in render({"one": found})
    shown = [
        item["columns"]
        for group in found["examples"]
        for item in group["items"]
        if "columns" in item
    ]
    assert any(columns.get("fit.value") is not None for columns in shown)
    assert not any("fit.tokens" in columns for columns in shown)
