"""A stranger's recipe runs no code and writes nothing outside its run: one test for each door."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reason_w2s import trust
from reason_w2s.errors import ConfigError
from reason_w2s.recipe.load import load_plan
from reason_w2s.train.arguments import check_trainer_keys, owner
from tests.runs.small import RECIPE, TRAIN, main, one_line, project, run
from tests.test_imports import PACKAGE, trees

TRAINED = RECIPE + TRAIN
OUT = "../../../out"


def refused(folder: Path, recipe: str, *overrides: str) -> str:
    """What is said of a recipe that does not load."""
    path = project(folder, recipe)
    with pytest.raises(ConfigError) as error:
        load_plan(path, overrides=overrides, seed=None)
    return str(error.value)


# --- code in what we read


def calls(tree: ast.Module) -> list[tuple[str, ast.Call]]:
    """Every call in a file, by the last name of what is called."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [(ast.unparse(node.func).rpartition(".")[2], node) for node in found]


def said(call: ast.Call) -> dict[str | None, str]:
    return {one.arg: ast.unparse(one.value) for one in call.keywords}


def unsafe(tree: ast.Module) -> list[str]:
    """Calls that could run what a file holds: the doors that a change could leave open."""
    found = []
    for name, call in calls(tree):
        words, whole = said(call), ast.unparse(call)
        auto = name == "from_pretrained" and ".Auto" in whole.partition("from_pretrained")[0]
        loads = auto and ".AutoModel" in whole
        open_doors = [
            words.get("trust_remote_code", "trusted()") != "trusted()",
            auto and "trust_remote_code" not in words,
            loads and words.get("use_safetensors") != "True",
            whole.startswith("torch.load(") and words.get("weights_only") != "True",
            name == "load" and whole.startswith("YAML(") and "typ='safe'" not in whole,
            ast.unparse(call.func) in ("eval", "exec", "os.system", "pickle.load", "pickle.loads"),
            ast.unparse(call.func) in ("yaml.load", "yaml.unsafe_load", "yaml.full_load"),
            words.get("shell") == "True",
        ]
        found += [whole[:80]] if any(open_doors) else []
    return found


def test_no_call_of_ours_runs_what_a_file_holds():
    assert {str(path): unsafe(tree) for path, tree in trees() if unsafe(tree)} == {}


@pytest.mark.parametrize(
    "code",
    [
        "transformers.AutoTokenizer.from_pretrained(x)",
        "transformers.AutoModelForCausalLM.from_pretrained(x, trust_remote_code=trusted())",
        "vllm.EngineArgs(trust_remote_code=True)",
        "torch.load(x)",
        "torch.load(x, weights_only=False)",
        "YAML().load(x)",
        "yaml.load(x)",
        "eval(x)",
        "subprocess.run(x, shell=True)",
    ],
)
def test_such_a_call_would_be_found(code):
    assert unsafe(ast.parse(code))


CODED = {
    "model_type": "stranger",
    "architectures": ["Stranger"],
    "auto_map": {
        "AutoConfig": "stranger.StrangerConfig",
        "AutoModelForCausalLM": "stranger.Stranger",
    },
}
STRANGER = """\
from pathlib import Path
Path(PWNED).touch()
from transformers import PretrainedConfig
class StrangerConfig(PretrainedConfig):
    model_type = "stranger"
"""


def stranger(folder: Path, tiny_model: Path) -> Path:
    """A model that comes with code which leaves a file `pwned` beside its folder."""
    folder.mkdir()
    for path in tiny_model.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    code = STRANGER.replace("PWNED", repr(str(folder.parent / "pwned")))
    (folder / "stranger.py").write_text(code)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **CODED}))
    return folder


@pytest.mark.torch
def test_code_of_a_model_runs_only_where_the_command_line_says_so(
    tmp_path, tiny_model, monkeypatch
):
    from reason_w2s.engines.hf import load_model

    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder = stranger(tmp_path / "model", tiny_model)
    trust.allow(False)
    with pytest.raises(ConfigError, match=r"model: this model needs Python code.*--trust-remote"):
        load_model(folder)
    assert not (tmp_path / "pwned").exists()
    monkeypatch.setenv(trust.VARIABLE, "1")
    with pytest.raises(Exception, match="Stranger"):
        load_model(folder)
    assert (tmp_path / "pwned").exists(), "so that the above could fail"


def test_trust_is_of_one_command_alone(tmp_path, monkeypatch, capsys):
    """No variable that is there before, and no profile, stands for the option."""
    path = project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(trust.VARIABLE, "1")
    seen = []
    monkeypatch.setattr("reason_w2s.commands.recipes.profile_of", lambda *_: seen.append(
        trust.trusted()) or sys.exit(0))  # fmt: skip
    for more in ([], ["--trust-remote-code"], []):
        main(["run", path.name, *more], monkeypatch, capsys)
    assert seen == [False, True, False]
    (tmp_path / "p.yaml").write_text(f"environment: {{{trust.VARIABLE}: '1'}}\n")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    code, _, err = main(["run", path.name, "--on", "p.yaml"], monkeypatch, capsys)
    assert code == 2
    assert "--trust-remote-code" in one_line(err)


def test_a_stranger_s_lm_eval_tasks_need_the_option(tmp_path, monkeypatch, capsys):
    suites = "suites: {own: {lm_eval: [mine], include_path: tasks}}\n"
    measured = "evaluate: {suites: [own], models: {weak: weak}}\n"
    path = project(tmp_path, RECIPE + suites + measured)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tasks").mkdir()
    code, _, err = main(["run", path.name, "--on", "fake.yaml"], monkeypatch, capsys)
    assert code == 2
    assert "include_path" in one_line(err)
    assert "--trust-remote-code" in one_line(err)
    assert not (tmp_path / "runs" / "store").exists(), "before anything runs"


def test_generation_settings_name_no_code(tmp_path):
    suites = "suites: {own: {lm_eval: [ifeval], gen_kwargs: {custom_generate: org/code}}}\n"
    measured = "evaluate: {suites: [own], models: {weak: weak}}\n"
    assert "'custom_generate' is not one of" in refused(tmp_path, RECIPE + suites + measured)


SHARD = """\
import os, sys, torch
class Payload:
    def __reduce__(self):
        return os.system, (f"touch {sys.argv[2]}",)
torch.save({"module": Payload(), "ds_version": "0.1"}, sys.argv[1])
"""


@pytest.mark.torch
@pytest.mark.slow
def test_shards_are_read_and_not_run(tmp_path):
    from reason_w2s.train.gather import gather
    from tests.engines import shells

    folder = shells.shards(shells.model(tmp_path / "model"))
    for shard in (folder / "global_step10").iterdir():
        made = [sys.executable, "-c", SHARD, str(shard), str(tmp_path / "pwned")]
        subprocess.run(made, check=True)
    with pytest.raises(ConfigError, match=r"gathered \(Weights only load failed"):
        gather(folder, tmp_path / "out", tmp_path / "log")
    assert not (tmp_path / "pwned").exists()


# --- settings of libraries

FORBIDDEN = [
    "trust_remote_code",
    "push_to_hub",
    "push_to_hub_model_id",
    "push_to_hub_token",
    "hub_model_id",
    "hub_token",
    "hub_strategy",
    "output_dir",
    "logging_dir",
    "report_to",
    "run_name",
    "deepspeed",
    "fsdp",
    "fsdp_config",
    "accelerator_config",
    "resume_from_checkpoint",
    "model_init_kwargs",
    "teacher_model_init_kwargs",
    "dataset_kwargs",
    "dataset_num_proc",
    "chat_template_path",
    "optim_target_modules",
    "torch_compile_backend",
    "vllm_server_host",
    "vllm_server_base_url",
    "log_completions_hub_repo",
    "trackio_space_id",
    "save_strategy",
    "custom_generate",
]


@pytest.mark.parametrize("key", FORBIDDEN)
def test_a_recipe_cannot_set(key, tmp_path):
    recipe = TRAINED.replace("updates: 1", f"updates: 1, trainer: {{{key}: x}}")
    line = refused(tmp_path, recipe)
    assert "steps.tuned.train" in line
    assert key in line


def test_every_setting_of_trl_with_a_path_an_address_or_code_is_owned():
    """By the words in their names: what TRL adds under such a name is seen here."""
    words = ("trust", "hub", "dir", "path", "token_", "url", "host", "_port", "repo", "deepspeed",
             "fsdp", "report", "remote", "exec", "script", "init_kwargs", "modules", "backend",
             "_func", "custom")  # fmt: skip
    fine = {"truncation_mode"}
    keys = json.loads((PACKAGE / "train" / "trl_keys.json").read_text())
    known = {key for named in keys.values() if isinstance(named, dict) for key in named}
    open_ones = {key for key in known - fine if any(word in key for word in words)}
    assert {key for key in open_ones if owner(key) is None} == set()
    assert len(open_ones) > 20


@pytest.mark.parametrize(
    ("name", "value"),
    [("trust_remote_code", True), ("push_to_hub", True), ("custom_generate", "x"), ("a", {"b": 1})],
)
def test_nor_inside_another(name, value):
    with pytest.raises(ConfigError, match=rf"trainer\.generation_kwargs\.{name}"):
        check_trainer_keys("grpo", {"generation_kwargs": {name: value}})
    check_trainer_keys("grpo", {"generation_kwargs": {"top_k": 3}})


# --- ways out of the run

NAMED = {
    "models": ("  weak: {", "  {}: {{"),
    "problems": ("  train: {", "  {}: {{"),
    "steps": ("  drawn: {", "  {}: {{"),
}
NAMES = [OUT, "/tmp/out", "a/b", "..", ".hidden", "''", '"a\\0b"', '"a\\e[31m"', '"-rf"']


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("group", NAMED)
def test_names_lead_nowhere(group, name, tmp_path):
    old, new = NAMED[group]
    line = refused(tmp_path, RECIPE.replace(old, new.format(name), 1))
    assert f"{group}: " in line or "nothing is named" in line


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("group", ["prompts", "suites", "evaluate.models"])
def test_names_beside_lead_nowhere(group, name, tmp_path):
    suites = f"{{{name}: {{problems: {{source: jsonl, file: data.jsonl}}}}}}"
    named = {
        "prompts": f"prompts: {{{name}: {{template: '{{question}}'}}}}\n",
        "suites": f"suites: {suites}\nevaluate: {{suites: [{name}], models: {{weak: weak}}}}\n",
        "evaluate.models": f"evaluate: {{suites: [suite.yaml], models: {{{name}: weak}}}}\n",
    }
    assert f"{group}: " in refused(tmp_path, RECIPE + named[group])


@pytest.mark.parametrize("name", [OUT, "/tmp/out", "a/b", "..", ".", "store", "a\0b", "a\x1b[31m"])
def test_a_run_lies_among_the_runs(name, tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    monkeypatch.chdir(tmp_path)
    for command in (["run", path.name], ["status", path.name]):
        arguments = [*command, "--on", "fake.yaml", "--name", name]
        code, _, err = main(arguments, monkeypatch, capsys)
        assert code == 2
        assert "--name" in one_line(err)
    assert not (tmp_path / "runs").exists()


def test_ids_and_texts_of_data_are_no_paths(tmp_path):
    """As in an archive whose names climb out of it."""
    folder = tmp_path / "a" / "b" / "project"
    path = project(folder, RECIPE + "  human: {import: {of: train, file: t.jsonl, model: ../m}}\n")
    row = {"id": OUT, "question": "q?", "answer": "1", "subject": "/tmp/out", "name": OUT}
    (folder / "data.jsonl").write_text(json.dumps(row) + "\n")
    (folder / "t.jsonl").write_text(json.dumps({"id": OUT, "response": "1", "file": OUT}) + "\n")
    run(path)
    places = {item for item in tmp_path.rglob("*") if item.is_file()}
    outside = {item for item in places if folder / "runs" not in item.parents}
    assert {item.name for item in outside} == {
        "data.jsonl", "t.jsonl", "small.yaml", "suite.yaml", "fake.yaml",
    }  # fmt: skip
    assert not any("out" in item.name for item in places)


# --- words that are no language


def test_predicates_and_prompts_are_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    word = "__import__('os').system('touch pwned')"
    template = "{question} {question.__class__} {0} %s ${HOME} {{ 7*7 }}"
    recipe = RECIPE.replace("graded.correct: true}, per", f'finish_reason: "{word}"}}, per')
    recipe = recipe.replace("prompt: qa", f"prompt: {{template: '{template}'}}")
    done = run(project(tmp_path, recipe))
    assert set(done.dropped("chosen").values()) == {f"finish_reason is not {word}"}
    assert not (tmp_path / "pwned").exists()
    shown = done.item("weak").reference().asked().template
    assert shown == template


@pytest.mark.parametrize("name", ["seed.__class__", "__builtins__", "os.environ", "HOME"])
def test_variables_are_the_recipe_s_own(name, tmp_path):
    recipe = RECIPE.replace("path: nobody/weak", f"path: 'x${{{name}}}'")
    assert f"${{{name}}}" in refused(tmp_path, recipe)


def test_reading_a_run_s_recipe_again_runs_nothing(tmp_path, monkeypatch, capsys):
    run(project(tmp_path), name="small")
    tag = "name: !!python/object/apply:os.system ['touch pwned']\n"
    (tmp_path / "runs/small/recipe.yaml").write_text(tag)
    monkeypatch.chdir(tmp_path)
    code, _, err = main(["report", "runs/small"], monkeypatch, capsys)
    assert code == 2
    assert "plain data" in one_line(err)
    assert not (tmp_path / "pwned").exists()


def test_the_key_goes_to_no_host_that_a_recipe_alone_names(monkeypatch):
    from reason_w2s.engines.client import Client
    from reason_w2s.engines.settings import ServerSettings

    def sent(host: str, **settings: Any) -> bool:
        client = Client(f"https://{host}/v1", ServerSettings(**settings))
        return "Authorization" in client._headers()

    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    assert [sent(host) for host in ("localhost", "127.0.0.1:8000", "api.openai.com")] == [True] * 3
    strangers = ("stranger.example", "127.stranger.example", "api.openai.com.stranger.example")
    assert [sent(host) for host in strangers] == [False] * 3
    assert sent("stranger.example", key_hosts=("stranger.example",))
