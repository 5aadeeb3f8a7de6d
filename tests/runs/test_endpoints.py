"""Models at an endpoint in recipes: found again, topped up, remembered, sampled only."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reason_w2s.engines.settings import EngineSettings, ServerSettings
from reason_w2s.errors import ConfigError, EngineError
from reason_w2s.recipe.given import Given
from reason_w2s.recipe.load import eval_recipe, load_plan, plan_of
from reason_w2s.recipe.smoke import smoke
from reason_w2s.runs.profile import Profile
from reason_w2s.train.config import TrainProfile
from tests.engines.endpoint_stub import NAME, VLLM, Stub, answer, error, serving
from tests.runs import small

ASKING = ServerSettings(concurrency=2, retries=1, backoff_s=0.01, timeout_s=10)
PROFILE = Profile(isolate="none", engine=EngineSettings(server=ASKING))
WANTED = 12 * 4


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving(Stub(reply=lambda body, number: answer("The answer is 5."))) as started:
        yield started


def project(folder: Path, stub: Stub, more: str = "") -> Path:
    model = f"{{path: {stub.url}, prompt: qa{more}}}"
    return small.project(folder, small.RECIPE.replace("{path: nobody/weak, prompt: qa}", model))


def sampled(recipe: Path, *overrides: str, name: str = "one", profile: Profile = PROFILE):
    return small.run(recipe, *overrides, name=name, profile=profile)


def test_what_the_store_has_is_not_asked_again(tmp_path: Path, stub: Stub) -> None:
    recipe = project(tmp_path, stub)
    run = sampled(recipe)
    assert len(stub.asked) == WANTED
    assert {row.trace.text for row in run.rows("drawn")} == {"The answer is 5."}
    assert {row.trace.token_ids for row in run.rows("drawn")} == {(7,)}
    sampled(recipe, name="two")
    assert len(stub.asked) == WANTED
    sampled(recipe, "steps.drawn.sample.sampling.n=5")
    assert len(stub.asked) - WANTED == 12 + 1, "the first of them is tried"


def test_a_run_says_who_sampled_and_that_no_repeat_is_promised(tmp_path: Path, stub: Stub) -> None:
    folder = sampled(project(tmp_path, stub)).folder
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["sampler"] == "server"
    assert not manifest["reproducible"]
    model = manifest["steps"]["weak"]["model"]
    assert (model["path"], model["served"], model["tokenizer"]) == (stub.url, NAME, None)


def test_an_endpoint_that_stops_has_its_answers_kept(tmp_path: Path, stub: Stub) -> None:

    def gone(body, number):
        if number < 30:
            return answer("5")
        time.sleep(0.5)  # until the answer that was under way has arrived
        return error(503, "gone")

    stub.reply = gone
    recipe = project(tmp_path, stub)
    with pytest.raises(EngineError, match=r"^steps\.drawn.*: .*503: gone"):
        sampled(recipe)
    before = len(stub.asked)
    stub.reply = lambda body, number: answer("6")
    run = sampled(recipe)
    texts = [row.trace.text for row in run.rows("drawn")]
    assert texts.count("5") == 30
    assert texts.count("6") == WANTED - 30 == len(stub.asked) - before - 1


def test_what_is_stored_is_found_when_the_endpoint_is_gone(tmp_path: Path) -> None:
    with serving(Stub()) as stub:
        recipe = project(tmp_path, stub)
        sampled(recipe)
    assert sampled(recipe, name="two").items["drawn"].counts["out"] == WANTED
    with pytest.raises(EngineError, match=r"cannot be used now .*goes on from here"):
        sampled(recipe, "steps.drawn.sample.sampling.n=5")
    with pytest.raises(EngineError, match=r"^models\.weak: "):
        sampled(project(tmp_path / "elsewhere", stub))


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"root": "org/other"}, False),
        ({"id": "other"}, False),
        ({"max_model_len": 50}, True),
        ({"owned_by": "sglang"}, False),
    ],
)
def test_a_models_identity_is_what_its_endpoint_says(tmp_path: Path, change, same) -> None:
    marks = []
    for said in (VLLM, {**VLLM, **change}):
        with serving(Stub(models={"data": [said]})) as stub:
            run = sampled(project(tmp_path, stub))
            marks.append((run.items["weak"].digest, run.items["drawn"].key))
    assert (marks[0] == marks[1]) == same


def test_another_word_for_its_revision_is_another_model(tmp_path: Path, stub: Stub) -> None:
    runs = [sampled(project(tmp_path, stub, f", revision: {word}")) for word in ("a", "b")]
    assert runs[0].items["drawn"].key != runs[1].items["drawn"].key


def test_a_tokenizer_makes_prompts_ids(tmp_path: Path, stub: Stub, tiny_model: Path) -> None:
    asked = "Question: Tom has {question} Answer:"
    prompt = f"{{template: '{asked}'}}"
    recipe = project(tmp_path, stub, f", tokenizer: {tiny_model}")
    recipe.write_text(recipe.read_text().replace("prompt: qa", f"prompt: {prompt}"))
    sampled(recipe)
    assert {tuple(body["prompt"][:3]) for body in stub.asked} == {(3, 34, 35)}
    assert {body["max_tokens"] for body in stub.asked} == {64}


def test_a_served_folder_that_lies_here_brings_its_tokenizer(
    tmp_path: Path, stub: Stub, tiny_model: Path
) -> None:
    stub.models = {"data": [{**VLLM, "root": str(tiny_model)}]}
    run = sampled(project(tmp_path, stub))
    assert run.items["weak"].model is not None
    assert run.items["weak"].model.tokenizer == str(tiny_model)
    assert isinstance(stub.asked[0]["prompt"], list)


def test_chat_turns_need_a_template(tmp_path: Path, stub: Stub) -> None:
    recipe = project(tmp_path, stub)
    recipe.write_text(recipe.read_text().replace("prompt: qa", "prompt: qwen_boxed"))
    with pytest.raises(ConfigError, match=r"steps\.drawn.*: .*models\.weak\.tokenizer"):
        sampled(recipe)
    with pytest.raises(ConfigError, match=r"models\.weak: tokenizer .*nowhere: there is none"):
        sampled(recipe, f"models.weak.tokenizer={tmp_path}/nowhere")


def test_the_key_is_in_no_file(tmp_path: Path, stub: Stub, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    sampled(project(tmp_path, stub), profile=PROFILE.model_copy(update={"isolate": "kind"}))
    assert "Bearer sk-very-secret" in {key for _, _, key in stub.seen}
    files = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert any(path.suffix == ".parquet" for path in files)
    assert not any(b"very-secret" in path.read_bytes() for path in files)


@pytest.mark.parametrize("way", ["--served", "override"])
def test_eval_takes_an_address(tmp_path: Path, stub: Stub, way: str) -> None:
    small.project(tmp_path)
    given = Given(stub.url, "qa", NAME if way == "--served" else None)
    more = [] if way == "--served" else [f"models.model.served={NAME}"]
    data = eval_recipe(given, [str(tmp_path / "suite.yaml")], seed=0, overrides=more)
    plan = plan_of(data, place="eval")
    assert plan.steps["model"].config["served"] == NAME
    assert "127.0.0.1" in data["name"]
    assert data["name"].endswith(f"{NAME.replace('/', '-')}-suite"), "two models there, two runs"


def test_an_endpoints_model_is_not_trained(tmp_path: Path, stub: Stub) -> None:
    recipe = project(tmp_path, stub)
    recipe.write_text(recipe.read_text() + small.TRAIN)
    with pytest.raises(ConfigError, match=r"tuned.*init: 'weak' is at an endpoint"):
        load_plan(recipe, seed=None)
    other = "  asked: {prompted: {model: weak, prompt: qa}}\n"
    recipe.write_text(f"{recipe.read_text()}{other}".replace("init: weak", "init: asked"))
    with pytest.raises(ConfigError, match=r"tuned.*init: 'asked' is at an endpoint"):
        load_plan(recipe, seed=None)


def test_a_smoke_run_asks_no_endpoint(tmp_path: Path, stub: Stub) -> None:
    plan, data = load_plan(project(tmp_path, stub), seed=None)
    tried = smoke(plan, data, TrainProfile())
    assert tried.plan.steps["weak"].stage == "scratch"
    assert stub.seen == []


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("{path: 'http://h/v1', prompt: qa, dtype: float32}", "endpoint's business"),
        ("{path: org/model, prompt: qa, served: x}", "served and tokenizer are for a 'path' like"),
        ("{path: org/model, prompt: qa, tokenizer: x}", "served and tokenizer are for"),
    ],
)
def test_keys_that_do_not_go_together(tmp_path: Path, model: str, says: str) -> None:
    recipe = small.project(tmp_path, small.RECIPE.replace("{path: nobody/weak, prompt: qa}", model))
    with pytest.raises(ConfigError, match=says):
        load_plan(recipe, seed=None)


def test_without_a_prompt_it_is_said_how_to_give_one(tmp_path: Path, stub: Stub) -> None:
    recipe = project(tmp_path, stub)
    recipe.write_text(recipe.read_text().replace(", prompt: qa", ""))
    with pytest.raises(ConfigError, match=r"models\.weak: .*'tiny' is asked; .*--prompt NAME"):
        sampled(recipe)
