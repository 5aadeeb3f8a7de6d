"""Suites of lm-eval's tasks: what is kept of a run of it, and that the rest treats it as any suite.

The quick tests put the rows there that the process would leave; the slow ones start it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reason_w2s import trust
from reason_w2s.errors import ConfigError, DataError, EngineError, MissingExtra
from reason_w2s.evaluate import harness
from reason_w2s.evaluate.harness import Job
from reason_w2s.evaluate.statistics import wilson
from reason_w2s.recipe.load import load_plan, suite
from reason_w2s.recipe.smoke import smoke
from reason_w2s.runs.makers import harness as maker
from reason_w2s.runs.results import results
from reason_w2s.runs.run import Run
from reason_w2s.stages.harness import HarnessSuite
from reason_w2s.train.config import TrainProfile
from tests.runs.small import FAKE, main, one_line, project, run

RECIPE = """\
# Two models on tasks of lm-eval.
name: forgetting
models:
  base: {path: BASE, prompt: qa}
  tuned: {path: TUNED, prompt: qa}
suites:
  kept: {lm_eval: [sums, picks], include_path: tasks}
evaluate:
  suites: [kept]
  models: {base: base, tuned: tuned}
  compare: [[tuned, base]]
"""
SUMS = """\
task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: FILE}}
test_split: test
output_type: generate_until
doc_to_text: "Question: {{question}} Answer:"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["hmm"], max_gen_toks: 12}
filter_list:
  - {name: first, filter: [{function: regex, regex_pattern: '(\\w+)'}, {function: take_first}]}
  - {name: digit, filter: [{function: regex, regex_pattern: '(\\d)'}, {function: take_first}]}
metric_list: [{metric: exact_match}]
metadata: {version: 1.0}
"""
PICK = """\
task: pick
dataset_path: json
dataset_kwargs: {data_files: {test: FILE}}
test_split: test
output_type: multiple_choice
doc_to_text: "Question: {{question}} Answer:"
doc_to_choice: "{{choices}}"
doc_to_target: gold
metric_list: [{metric: acc}, {metric: acc_norm}]
metadata: {version: 2.0}
"""
GROUP = "{group: picks, task: [pick, pick_again]}\n"


def row(task, doc, name="first", response="hmm", answer="hmm", **metrics):
    """A row as the process leaves it."""
    return {
        "task": task,
        "doc_id": doc,
        "doc_hash": f"{task}{doc}",
        "filter": name,
        "metrics": json.dumps(metrics),
        "prompt": f"Question: {doc} Answer:",
        "response": response,
        "answer": answer,
        "target": "3",
        "finish_reason": "length" if doc == 0 else "stop",
        "n_tokens": 4,
    }


HF = FAKE.model_copy(update={"sampler": "hf"})
RIGHT = {"base": (1, 1, 0, 1, 0), "tuned": (1, 0, 0, 0, 0)}
"""Which of five documents of `sums` each model has right under the filter `first`."""


def left(job):
    """What the process would leave for a job, by the model's name."""
    model = Path(job.model).name
    if job.config["task"] == "sums":
        rows = [row("sums", doc, exact_match=float(one)) for doc, one in enumerate(RIGHT[model])]
        found = {"answer": "[invalid]", "exact_match": 0.0}
        rows += [row("sums", doc, "digit", **found) for doc in range(5)]
        rows[0] = {**rows[0], "metrics": json.dumps({"exact_match": 1.0, "length": 3})}
    else:
        tasks = [("pick", 0), ("pick", 1), ("pick_again", 0)]
        rows = [row(task, doc, "none", acc=1.0, acc_norm=0.0) for task, doc in tasks]
    names = dict.fromkeys(one["task"] for one in rows)
    tasks = {
        name: {"version": 1.0, "num_fewshot": 0, "documents": {"effective": 5}} for name in names
    }
    return rows, {"lm_eval": "0.4.13", "tasks": tasks, "chat_template": False}


@pytest.fixture(autouse=True)
def trusting(monkeypatch):
    """Task files of these tests' own."""
    monkeypatch.setenv(trust.VARIABLE, "1")


@pytest.fixture
def started(monkeypatch):
    """The jobs that were started, of a process that does no more than leave its rows."""
    jobs = []

    def process(job, log):
        jobs.append((Path(job.model).name, job.config["task"]))
        rows, about = left(job)
        text = "".join(json.dumps(one) + "\n" for one in rows)
        (Path(job.out) / harness.ROWS).write_text(text)
        (Path(job.out) / harness.ABOUT).write_text(json.dumps(about))

    monkeypatch.setattr(maker, "_run", process)
    monkeypatch.setattr(maker, "_version", lambda: "0.4.13")
    return jobs


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """The recipe beside a folder of tasks; its models are names that a folder would have."""
    folder = tmp_path / "project"
    path = project(folder, RECIPE.replace("BASE", "base/base").replace("TUNED", "base/tuned"))
    write_tasks(folder)
    # names, no weights: nothing loads them here
    monkeypatch.setattr(maker, "engine_of", lambda model, profile: "hf")
    return path


def write_tasks(folder):
    (folder / "tasks").mkdir(parents=True)
    data = folder / "sums.jsonl"
    made = [
        {
            "question": f"What Tom has {a} + {b}",
            "answer": str(a + b),
            "choices": [str(a + b), str((a + b + 1) % 10)],
            "gold": 0,
        }
        for a in range(3)
        for b in range(4)
    ]
    data.write_text("".join(json.dumps(one) + "\n" for one in made))
    again = PICK.replace("task: pick", "task: pick_again")
    for name, text in {"sums": SUMS, "pick": PICK, "again": again, "picks": GROUP}.items():
        (folder / "tasks" / f"{name}.yaml").write_text(text.replace("FILE", str(data)))


def test_each_task_is_a_suite_with_our_statistics(recipe, started):
    found = results(run(recipe))
    assert sorted(started) == [(m, t) for m in ("base", "tuned") for t in ("picks", "sums")]
    assert [one["name"] for one in found["suites"]] == ["kept/sums", "kept/picks"]
    assert [(one["n"], one["kind"]) for one in found["suites"]] == [(5, "lm-eval"), (3, "lm-eval")]
    assert found["suites"][1]["sampling"]["tasks"] == "pick 1.0, pick_again 1.0"
    scores = {(one["model"], one["suite"]): one for one in found["scores"]}
    base = scores["base", "kept/sums"]
    bounds = wilson(3, 5)
    assert (base["accuracy"], base["n"]) == (0.6, 5)
    assert (base["low"], base["high"]) == (bounds.low, bounds.high)
    assert (base["truncation_rate"], base["mean_tokens"]) == (0.2, 4)
    group = scores["tuned", "kept/picks"]
    assert {name: one["n"] for name, one in group["by_subject"].items()} == {
        "pick": 2,
        "pick_again": 1,
    }


def test_base_and_tuned_are_compared_document_by_document(recipe, started):
    found = results(run(recipe))
    one = next(one for one in found["comparisons"] if one["suite"] == "kept/sums")
    assert one["difference"] == pytest.approx(-0.4)
    assert (one["wins"], one["losses"]) == ([], ["sums-1", "sums-3"])
    assert one["p"] == 0.5


def test_what_counts_is_chosen_from_what_is_kept(recipe, started):
    first = run(recipe)
    other = run(recipe, "suites.kept.filter=digit", "suites.kept.lm_eval=[sums]", name="two")
    assert len(started) == 4, "another filter is read from the same rows"
    scores = results(other)["scores"]
    assert [one["accuracy"] for one in scores] == [0, 0]
    assert [one["no_answer_rate"] for one in scores] == [1, 1]
    rows = {one.problem.id: one for one in first.rows("eval/base/kept/sums")}
    assert rows["sums-2"].columns["eval/base/kept/sums.status"] == "wrong"
    assert rows["sums-2"].problem.gold == "3"


def test_the_second_run_starts_nothing_and_another_setting_does(recipe, started):
    run(recipe)
    run(recipe, name="two")
    assert len(started) == 4
    run(recipe, "suites.kept.num_fewshot=2", "suites.kept.lm_eval=[sums]", name="three")
    assert started[4:] == [("base", "sums"), ("tuned", "sums")]


def test_what_it_cost_is_charged_once(recipe, started):
    first, second = (run(recipe, name=name) for name in ("one", "two"))
    rows = [json.loads((one.folder / "ledger.json").read_text())["rows"] for one in (first, second)]
    mine, other = (
        next(one for one in found if one["step"] == "eval/base/kept/sums") for found in rows
    )
    assert (mine["tokens_generated"], mine["tokens_shared"], mine["shared"]) == (20, 0, False)
    assert (other["tokens_generated"], other["tokens_shared"], other["shared"]) == (0, 20, True)


def test_a_changed_task_file_is_another_task(recipe, started):
    run(recipe)
    with (recipe.parent / "tasks" / "sums.yaml").open("a") as stream:
        stream.write("# another\n")
    run(recipe, name="two")
    assert len(started) == 8


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("suites.kept.metric=length", "'length' is no yes or no .* gave 3.*: exact_match, length"),
        ("suites.kept.metric=f1", "'f1' is no yes or no .* none of that name"),
        ("suites.kept.filter=last", "sums has no 'last'; it has first, digit"),
    ],
)
def test_a_measure_that_is_no_yes_or_no_is_refused(recipe, started, override, said):
    with pytest.raises(DataError, match=said):
        run(recipe, override, "suites.kept.lm_eval=[sums]")


def test_the_fake_engine_is_refused_in_one_line(recipe, monkeypatch, capsys):
    monkeypatch.undo()
    monkeypatch.chdir(recipe.parent)
    code, _, err = main(
        ["run", "small.yaml", "--profile", "fake.yaml", trust.OPTION], monkeypatch, capsys
    )
    assert code == 2
    assert "'fake' has none; sample with vllm or hf" in one_line(err)


def test_without_lm_eval_its_extra_is_named(recipe, monkeypatch):
    monkeypatch.setattr(maker, "_version", lambda: None)
    with pytest.raises(MissingExtra, match=r"reason-w2s\[lm_eval\]"):
        run(recipe)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("suites.kept.lm_eval=[]", "lm_eval"),
        ("suites.kept.sampling={}", "sampling"),
        ("suites.kept.include_path=nowhere", "nowhere: there is no such folder"),
    ],
)
def test_a_wrong_suite_is_a_mistake_of_the_recipe(recipe, started, override, said):
    with pytest.raises(ConfigError, match=said):
        run(recipe, override)


def test_a_smoke_run_leaves_them_out(recipe):
    plan, data = load_plan(recipe, seed=None)
    small = smoke(plan, data, TrainProfile())
    assert not small.plan.measured
    assert any(line.startswith("suites.kept: left out") for line in small.replaced)


def test_a_model_that_only_lm_eval_asks_needs_no_prompt(recipe, started):
    bare = recipe.read_text().replace(", prompt: qa", "")
    recipe.write_text(bare)
    assert run(recipe).item("base").reference().asked().template == "{question}"
    also = bare.replace("suites: [kept]", "suites: [kept, gsm8k]")
    recipe.write_text(also)
    assert load_plan(recipe, seed=None)[0].steps["base"].config["prompt"] is None


@pytest.mark.parametrize("name", ["ifeval", "mmlu"])
def test_the_shipped_suites_ask_one_task_of_their_name(name):
    found = suite(name)
    assert isinstance(found, HarnessSuite)
    assert [one for one, _ in found.steps(name)] == list(found.lm_eval) == [name]


def test_how_a_response_ended():
    def decode(ids):
        return " ".join("abcdef"[one] for one in ids)

    end = harness._End([0, 1, 2, 3], "length", decode)
    assert end.of("a b c d") == ("length", 4)
    # a stop string cut it: three tokens say more than is left
    assert end.of("a b") == ("stop", 3)
    assert harness._End([0, 1], "stop", decode).of("a b") == ("stop", 2)
    assert harness._End([0, 1], "length").of("whatever vLLM cut") == ("length", 2)


class Task:
    """What is asked of a task of lm-eval."""

    def __init__(self, **config):
        self.config = config

    def get_config(self, key):
        return self.config.get(key)

    def set_config(self, key, value, update):
        assert update
        self.config[key] = {**self.config[key], **value}


@pytest.mark.parametrize(
    ("said", "then"),
    [
        ({"until": []}, {"until": [], "temperature": 0.0}),
        ({"temperature": 0.7}, {"temperature": 0.7}),
        ({"do_sample": True}, {"do_sample": True}),
    ],
)
def test_a_task_that_does_not_say_how_is_greedy(said, then):
    task = Task(output_type="generate_until", generation_kwargs=said)
    harness._greedy([task])
    assert task.config["generation_kwargs"] == then


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (ConnectionError("Couldn't reach 'a/b' on the Hub"), ConfigError, "'a/b' on the Hub"),
        (ModuleNotFoundError("No module", name="langdetect"), MissingExtra, "package langdetect"),
        (ValueError("tokenizer.chat_template is not set"), ConfigError, "apply_chat_template"),
        (RuntimeError("boom"), EngineError, "RuntimeError: boom"),
    ],
)
def test_errors_of_lm_eval_in_our_words(error, kind, said):
    found = harness._ours(error, Job({"task": "sums"}, {}, "hf", "cpu", "m", "o"))
    assert type(found) is kind
    assert said in str(found)


@pytest.fixture(scope="module")
def measured(tmp_path_factory, tiny_model):
    """A real run of lm-eval on two tasks."""
    pytest.importorskip("lm_eval")
    folder = tmp_path_factory.mktemp("real")
    text = RECIPE.replace("BASE", str(tiny_model)).replace("TUNED", str(tiny_model))
    path = project(folder, text)
    write_tasks(folder)
    overrides = ("evaluate.models={base: base}", "evaluate.compare=[]")
    return run(path, *overrides, profile=HF)


@pytest.mark.timeout(1800)
@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "task", "figure"),
    [("sums", "sums", "exact_match,first"), ("picks", "pick", "acc,none")],
)
def test_our_figures_are_lm_evals_own(measured: Run, name, task, figure):
    item = measured.item(f"eval/base/kept/{name}")
    about = json.loads((measured.store.folder("harness", item.key) / "about.json").read_text())
    mine = [one for one in measured.rows(item.step) if one.problem.id.startswith(f"{task}-")]
    right = [one.columns[f"{item.step}.correct"] for one in mine]
    assert sum(right) / len(right) == about["results"][task][figure]
    assert len(right) == 12


@pytest.mark.timeout(1800)
@pytest.mark.slow
@pytest.mark.torch
def test_what_is_kept_of_a_real_run(measured: Run):
    generated = list(measured.rows("eval/base/kept/sums"))
    assert {one.trace.finish_reason for one in generated} <= {"stop", "length"}
    for one in generated:
        assert (one.trace.n_tokens == 12) or one.trace.finish_reason == "stop"
    chosen = list(measured.rows("eval/base/kept/picks"))
    assert {one.trace.text.strip() for one in chosen} <= set("0123456789")
    assert {one.problem.subject for one in chosen} == {"pick", "pick_again"}


@pytest.mark.timeout(1800)
@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize(
    ("suites", "said"),
    [
        ("ifeval", "ifeval"),
        ("nosuch.yaml", "lm-eval has no task or group 'nosuch'"),
    ],
)
def test_what_is_missing_is_named_in_one_line(
    tiny_model, tmp_path, monkeypatch, capsys, suites, said
):
    pytest.importorskip("lm_eval")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nosuch.yaml").write_text("lm_eval: [nosuch]\n")
    (tmp_path / "hf.yaml").write_text("{isolate: none, sampler: hf}\n")
    asked = ["eval", str(tiny_model), "--suite", suites, "--prompt", "qa", "--profile", "hf.yaml"]
    code, _, err = main(asked, monkeypatch, capsys)
    assert code == 2
    assert said in one_line(err)
