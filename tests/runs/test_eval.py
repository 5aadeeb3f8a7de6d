"""`eval` of what trainers leave behind: which checkpoints, what they are called, how asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reason_w2s.engines import model_folder
from reason_w2s.errors import ConfigError
from reason_w2s.prompts import Prompt
from reason_w2s.recipe.given import Given, left_out, models, run_name
from tests.engines import shells
from tests.runs.small import main, one_line, project

FAKE = ["--profile", "fake.yaml"]
SUITE = ["--suite", "suite.yaml"]


def training(folder: Path, *, final: bool = True) -> Path:
    """A training's folder with three checkpoints, the last of them final."""
    for steps in (100, 5, 20):
        shells.model(folder / f"checkpoint-{steps}", f"weights of {steps}")
        (folder / f"checkpoint-{steps}" / "optimizer.pt").write_bytes(b"")
    (folder / "README.md").write_text("made by a trainer")
    return shells.model(folder, "weights of 100") if final else folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(here: Path, run: str) -> dict[str, object]:
    return json.loads((here / "runs" / run / "results.json").read_text())


def test_a_trainings_folder_is_a_curve(here, monkeypatch, capsys) -> None:
    training(here / "out")
    arguments = ["eval", "out", *SUITE, "--prompt", "qa", *FAKE]
    code, out, _ = main(arguments, monkeypatch, capsys)
    assert code == 0
    names = ["checkpoint-5", "checkpoint-20", "checkpoint-100", "final"]
    results = found(here, "eval-out-suite")
    assert [score["model"] for score in results["scores"]] == names
    curve = results["checkpoints"][0]["points"]
    assert [point["updates"] for point in curve[:3]] == [5, 20, 100]
    said = f"{', '.join(names)}: asked with 'Question: {{question}}\\nAnswer:' (--prompt qa)"
    assert out.splitlines()[0] == said
    samples = {
        name: key
        for name, key in keys(here).items()
        if name.startswith("eval/") and name.endswith("/suite")
    }
    assert len(set(samples.values())) == 3, "the final model is the last checkpoint: sampled once"


def keys(here: Path) -> dict[str, str]:
    manifest = json.loads((here / "runs" / "eval-out-suite" / "manifest.json").read_text())
    return {name: step["key"] for name, step in manifest["steps"].items()}


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (None, ["checkpoint-5", "checkpoint-20", "checkpoint-100", "final"]),
        ("all", ["checkpoint-5", "checkpoint-20", "checkpoint-100", "final"]),
        ("last", ["checkpoint-100"]),
        ("20, 5", ["checkpoint-20", "checkpoint-5"]),
        ("checkpoint-20,final", ["checkpoint-20", "final"]),
    ],
)
def test_which_checkpoints(tmp_path: Path, wanted, names) -> None:
    folder = training(tmp_path / "out")
    specs = models(Given(str(folder), checkpoints=wanted))
    assert list(specs) == names
    for name, spec in specs.items():
        assert Path(spec["path"]) == (folder if name == "final" else folder / name)


def test_one_checkpoint_alone_keeps_its_name(tmp_path: Path, monkeypatch) -> None:
    folder = training(tmp_path / "out")
    assert list(models(Given(str(folder / "checkpoint-20")))) == ["checkpoint-20"]
    monkeypatch.chdir(folder / "checkpoint-20")
    assert list(models(Given("."))) == ["checkpoint-20"]
    assert list(models(Given(str(shells.model(tmp_path / "whole"))))) == ["model"]


@pytest.mark.parametrize(
    ("folder", "wanted", "said"),
    [
        ("out", "7", r"--checkpoints 7: no '7' in out; there are 5, 20, 100 \(or: all, last\)"),
        ("out", "final", r"no 'final' in out"),
        ("out/checkpoint-5", "last", r"--checkpoints last: no checkpoint-N folders in out/check"),
        ("org/name", "all", "no checkpoint-N folders in org/name"),
    ],
)
def test_checkpoints_that_are_not_there(tmp_path, monkeypatch, folder, wanted, said) -> None:
    training(tmp_path / "out", final=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=said):
        models(Given(folder, checkpoints=wanted))


def test_a_checkpoint_being_written_is_left_out_aloud(here, monkeypatch, capsys) -> None:
    training(here / "out", final=False)
    (here / "out" / "checkpoint-100" / "model.safetensors").write_bytes(b"\x09")
    for wanted, names in ((None, ["checkpoint-5", "checkpoint-20"]), ("last", ["checkpoint-20"])):
        given = Given("out", checkpoints=wanted)
        assert list(models(given)) == names
        assert left_out(given) == [
            "checkpoint-100 is left out: model.safetensors is cut off (it has 1 bytes); save or "
            "fetch it again"
        ]
    code, out, _ = main(["eval", "out", *SUITE, "--prompt", "qa", *FAKE], monkeypatch, capsys)
    assert (code, out.splitlines()[0]) == (0, left_out(Given("out"))[0])
    arguments = ["eval", "out", *SUITE, "--prompt", "qa", *FAKE, "--checkpoints", "100"]
    code, _, err = main(arguments, monkeypatch, capsys)
    assert code == 2
    assert "out/checkpoint-100: model.safetensors is cut off" in one_line(err)


def test_no_checkpoint_is_whole(tmp_path: Path) -> None:
    folder = training(tmp_path / "out", final=False)
    for path in folder.glob("checkpoint-*/model.safetensors"):
        path.unlink()
    with pytest.raises(
        ConfigError, match=r"no checkpoint in it can be measured: .*100: no weights"
    ):
        models(Given(str(folder)))


def test_the_prompt_comes_from_the_checkpoint_or_its_training(here, monkeypatch, capsys) -> None:
    folder = training(here / "out", final=False)
    model_folder.save_prompt(folder, Prompt(template="Of the training: {question}"))
    own = folder / "checkpoint-20"
    model_folder.save_prompt(own, Prompt(template="{question}", chat=True))
    (own / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    code, out, _ = main(["eval", "out", *SUITE, *FAKE], monkeypatch, capsys)
    assert code == 0
    assert out.splitlines()[:3] == [
        "checkpoint-5, checkpoint-100: asked with 'Of the training: {question}' (saved in the "
        f"training's folder, {folder}/reason_w2s.json)",
        "checkpoint-20: asked with '{question}', in chat turns (saved with it, reason_w2s.json)",
        "checkpoint-20: chat template: its own",
    ]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (None, "it has no chat template: gsm8k_few_shot, qa or simple would fit"),
        ("{{ x }}", "it has a chat template: qwen_boxed or zero_shot_cot would fit"),
        ("{% if enable_thinking %}", "qwen3_plain, qwen3_thinking, qwen_boxed or zero_shot_cot"),
        ("<think>", "it has a chat template: r1_think, qwen_boxed or zero_shot_cot would fit"),
    ],
)
def test_a_model_of_plain_trl_needs_a_prompt(here, monkeypatch, capsys, template, said) -> None:
    folder = training(here / "out", final=False)
    if template is not None:
        (folder / "checkpoint-5" / "chat_template.jinja").write_text(template)
    code, _, err = main(["eval", "out", *SUITE, *FAKE], monkeypatch, capsys)
    line = one_line(err)
    assert code == 2
    assert "models.checkpoint-5: out/checkpoint-5 carries no prompt" in line
    assert said in line


def test_an_adapter_says_its_base_and_a_suite_its_prompt(here, monkeypatch, capsys) -> None:
    base = shells.model(here / "base")
    shells.adapter(here / "lora", "base")
    (here / "own.yaml").write_text((here / "suite.yaml").read_text() + "prompt: zero_shot_cot\n")
    arguments = ["eval", "lora", "--suite", "suite.yaml,own.yaml", "--prompt", "qa", *FAKE]
    code, out, _ = main(arguments, monkeypatch, capsys)
    assert code == 0
    lines = out.splitlines()
    assert lines[1] == f"model: LoRA adapter on {base}"
    assert lines[2].startswith("own: asks with its own prompt: '{question}\\nPlease reason step by")


@pytest.mark.parametrize(
    ("given", "specs", "name"),
    [
        (Given("org/name@v1.0"), {"revision": "v1.0", "path": "org/name"}, "org-name-v1.0"),
        (Given("http://h:8000/v1", served="a/b"), {"served": "a/b"}, "http--h-8000-v1-a-b"),
        (Given("org/name"), {"path": "org/name"}, "org-name"),
        (Given("weights/v@1"), {"revision": "1"}, "weights-v-1"),
    ],
)
def test_hub_ids_and_addresses(given: Given, specs: dict[str, str], name: str) -> None:
    made = models(given)
    assert list(made) == ["model"]
    assert specs.items() <= made["model"].items()
    assert run_name(given, made, ["gsm8k", "mine.yaml"]) == f"eval-{name}-gsm8k-mine"


def test_runs_of_other_checkpoints_have_names_of_their_own(tmp_path: Path, monkeypatch) -> None:
    folder = training(tmp_path / "out")
    names = []
    for wanted in (None, "all", "last", "5,20"):
        given = Given(str(folder), checkpoints=wanted)
        names.append(run_name(given, models(given), ["s"]).removeprefix("eval-"))
    assert len(set(names)) == 3
    assert names[3].endswith("out-5-20-s")
    monkeypatch.chdir(folder)
    assert run_name(Given("."), models(Given(".")), ["s"]).endswith("out-s"), "a dot is no name"


def test_shards_that_cannot_be_gathered_are_one_line(here, monkeypatch, capsys) -> None:
    pytest.importorskip("deepspeed")
    folder = shells.shards(shells.model(here / "out" / "checkpoint-5"))
    (folder / "model.safetensors").unlink()
    arguments = ["eval", "out", *SUITE, "--prompt", "qa", *FAKE]
    code, out, err = main(arguments, monkeypatch, capsys)
    assert code == 2
    assert "checkpoint-5: weights in DeepSpeed's shards, gathered once" in out
    assert "its DeepSpeed shards cannot be gathered" in one_line(err)
