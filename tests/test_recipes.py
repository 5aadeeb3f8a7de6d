"""Every shipped recipe runs to its report: fake engine, five problems, a tiny model, real TRL."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from ruamel.yaml import YAML

from reason_w2s.recipe.load import load_plan, load_plans
from reason_w2s.recipe.plan import Plan
from reason_w2s.recipe.rules import gold_use
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.results import results
from reason_w2s.runs.run import Run, Selection, execute
from reason_w2s.stages.table import STAGES
from tests.conftest import make_model

ROOT = Path(__file__).parent.parent
OVERLAYS = ("world", "seeds")
COMPOSED = ("one_footing",)  # its parts are recipes, each looked at by itself
RECIPES = [
    path
    for path in sorted((ROOT / "recipes").rglob("*.yaml"))
    if path.stem not in (*OVERLAYS, *COMPOSED)
]
LONG = (
    *("on_policy_dpo", "delta_ladder", "conservative_dpo", "kto", "opd", "gair", "w2s_bootstrap"),
    *("ensemble_teachers", "quantity_quality", "w2sr_then_grpo", "critical_tokens_dpo"),
    *("weaver", "reward_ensembles"),
)
"""Those that train most; what they do the others do too, but for the numbers."""
FIXTURES = ROOT / "tests" / "fixtures"
TEST_SETS = {"gsm8k": "gsm8k", "math500": "math"}
PROFILE = Profile(isolate="none", sampler="fake")


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> list[Path]:
    """Three tiny models, so that the traces of a recipe's teachers are not the same ones."""
    pytest.importorskip("trl")
    folder = tmp_path_factory.mktemp("models")
    return [make_model(folder / f"roomy{n}", seed=n, positions=1024) for n in range(3)]


def with_used(recipe: Path) -> dict:
    """The recipe as it is written, with the models and problems of those it uses."""
    written = YAML(typ="safe", pure=True).load(recipe)
    written.setdefault("problems", {})
    for section in ("models", "problems", "steps"):
        for name, entry in list(written.get(section, {}).items()):
            if "use" in entry:
                del written[section][name]
                other = with_used(recipe.parent / entry["use"]["recipe"])
                for kind in ("models", "problems"):
                    written[kind] = {**other[kind], **written[kind]}
    return written


def sized_down(recipe: Path, models: list[Path], folder: Path) -> Path:
    """An overlay that gives every model a tiny one, and five problems to every set."""
    written = with_used(recipe)
    suites = written.get("evaluate", {}).get("suites", [])
    trainer = {"learning_rate": 0.01, "num_train_epochs": None, "max_length": None}
    train = {"batch": 2, "updates": 3, "dtype": None, "trainer": trainer}
    rollouts = {"max_completion_length": 24}
    groups = {**rollouts, "num_generations": 2, "generation_batch_size": None}
    patch = {
        "models": {
            name: {
                "path": str(models[number % len(models)]),
                "world": None,
                "scratch": None,
                "prompt": "qa",
                "dtype": None,
            }
            for number, name in enumerate(written["models"])
        },
        # of a sweep, one from the middle
        "sweep": {
            name: [values[len(values) // 2]] for name, values in written.get("sweep", {}).items()
        }
        or None,
        "problems": {
            name: {key: one[key] for key in ("source", "of") if key in one} | {"take": few(one)}
            for name, one in written["problems"].items()
            if "suite" not in one  # its suite's five
        },
        "suites": {name: {"problems": {"take": 5}} for name in suites},
        "every": [
            {"where": {"stage": "train"}, "set": train},
            # a tiny model has no chat template, which training from a prompted one would need
            {"where": {"stage": "prompted", "prompt": "zero_shot_cot"}, "set": {"prompt": "qa"}},
            # each round of a block gets all five
            {"where": {"stage": "problems"}, "set": {"part": None}},
            {"where": {"stage": "noise"}, "set": {"otherwise": 0.1}},
            {"where": {"stage": "train", "objective": "grpo"}, "set": {"trainer": groups}},
            {
                "where": {"stage": "train", "objective": "distillation"},
                "set": {"trainer": rollouts},
            },
        ],
    }
    if "stage1" in written["steps"]:
        # made-up right answers are alike: what is trained on them must not become one model
        patch["steps"] = {"stage1": {"do": {"on_b": {"train": {"updates": 2}}}}}
    if "chosen_easy" in written["steps"]:
        # no problem is easy for made-up answers
        rate = {"hard.pass_rate": {"min": 0.1}}
        patch["steps"] = {"chosen_easy": {"select": {"where": rate}}}
        seldom = {"hard.pass_rate": {"max": 0.7}}
        patch["steps"]["chosen_rare"] = {"select": {"where": seldom}}
    if any("mix" in one.get("select", {}) for one in written["steps"].values()):
        # made-up answers are right or wrong, with no sums to be wrong in
        anything = {
            part: {"where": {"judged.wrong_share": None}} for part in ("right", "few", "many")
        }
        patch["steps"] = {"full": {"select": {"mix": anything}}}
    for name, problems in written["problems"].items():
        if problems.get("source") in TEST_SETS.values():
            # the salt picks five on which the two fixture teachers disagree at least once
            form = "socratic" if problems.get("name") == "socratic" else "train"
            file = FIXTURES / problems["source"] / f"{form}.jsonl"
            patch["problems"][name] |= {"file": str(file), "name": None, "salt": 0}
        if problems.get("source") == "hub":
            file = FIXTURES / "math" / "train.jsonl"
            elsewhere = {"source": "math", "path": None, "columns": None, "file": str(file)}
            # with one reply of each model, some problems give no pair
            patch["problems"][name] |= {**elsewhere, "take": 20}
            # the tiny models know so few words that two answers may be the same tokens
            patch["models"]["student"] |= {"path": None, "scratch": {"of": name}}
    for name in suites:
        if name in TEST_SETS:
            file = FIXTURES / TEST_SETS[name] / "test.jsonl"
            patch["suites"][name]["problems"]["file"] = str(file)
    path = folder / "tiny.yaml"
    with path.open("w") as stream:
        YAML().dump(patch, stream)
    return path


def few(problems: dict) -> int:
    """Five problems of a set. Of what is cut out of one, two: something is left for the next. Of a
    half more: models of it agree by themselves, which made-up answers seldom do."""
    return 50 if "part" in problems else 2 if "of" in problems else 5


def run(plan: Plan, data: dict, folder: Path, until: tuple[str, ...] = ()) -> Run:
    console = Console(file=io.StringIO())
    return execute(plan, data, folder, PROFILE, selection=Selection(until=until), console=console)


@pytest.mark.torch
@pytest.mark.parametrize(
    "recipe",
    [pytest.param(path, marks=[pytest.mark.slow] * (path.stem in LONG)) for path in RECIPES],
    ids=lambda path: path.stem,
)
def test_recipe_runs_and_accounts_for_everything(recipe, models, tmp_path):
    plan, data = load_plan(recipe, overlays=[sized_down(recipe, models, tmp_path)], seed=0)
    done = run(plan, data, tmp_path / "runs" / "one")
    for name, item in done.items.items():
        counts = item.counts
        if "dropped" in counts:
            assert counts["in"] == counts["out"] + sum(counts["dropped"].values()), name
        if item.stage in STAGES and STAGES[item.stage].shape == "annotate":
            assert counts["in"] == counts["out"] == len(list(done.rows(name))), name
        if item.stage == "train":
            assert counts["examples"] > 0, name
            init = done.items[plan.steps[name].roles["init"]]
            # a tiny model is never right, and rewards that are all the same teach nothing
            rewarded = plan.steps[name].config["reward"] is not None
            assert rewarded or item.digest != init.digest, f"{name}: left the weights as they were"
    found = results(done)
    assert found["scores"]
    assert all(0 <= score["low"] <= score["high"] <= 1 for score in found["scores"])
    ledger = found["ledger"]
    sampled = sum(item.counts.get("generated", 0) for item in done.items.values())
    rows = sampled + sum(
        row.trace.n_tokens
        for name, item in done.items.items()
        if item.stage == "sample"
        for row in done.rows(name)
    )
    shared = sum(row["tokens_shared"] for row in ledger["rows"])
    assert ledger["total"]["tokens_generated"] + shared == rows


@pytest.mark.torch
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_flipping_correct_changes_the_set(recipe, models, tmp_path):
    overlay = sized_down(recipe, models, tmp_path)
    plan, _ = load_plan(recipe, overlays=[overlay], seed=0)
    chosen = {
        name: column
        for name, step in plan.steps.items()
        if step.stage == "select" and "/" not in name  # another recipe's is looked at there
        for column in step.config["where"]
        if column.endswith("graded.correct")
    }
    if not chosen:
        audits = [name for name, step in plan.steps.items() if step.stage == "noise"]
        known = {use for name in audits for use in gold_use(plan, name)}
        for name in [] if pairs_by_gold(plan) else trained(plan):
            # solutions are what a step's own target says it learns
            if any("/" in one for one in plan.needed([name]) if plan.steps[one].kind != "problems"):
                continue  # of another recipe, which is looked at by itself
            answers = {use for use in gold_use(plan, name) if use.what == "answers"}
            rewarded = any(
                plan.steps[one].config.get("reward") is not None for one in plan.needed([name])
            )
            assert rewarded or answers <= known, "no label may be used but for a rate or reward"
        return
    for name, graded in chosen.items():
        kept = {}
        for value in ("true", "false"):
            plan, data = load_plan(
                recipe,
                overlays=[overlay],
                overrides=[f'steps.{name}.select.where={{"{graded}": {value}}}'],
                seed=0,
            )
            done = run(plan, data, tmp_path / "runs" / value, until=(name,))
            kept[value] = {row.trace.key for row in done.rows(name)}
        assert kept["true"] and kept["false"], name
        assert not kept["true"] & kept["false"], name


def pairs_by_gold(plan: Plan) -> bool:
    """Whether pairs are made of right and wrong traces."""
    rules = [rule for step in plan.steps.values() for rule in step.config.get("rules", ())]
    return any(column.endswith(".correct") for rule in rules for column in rule["chosen"])


def trained(plan: Plan) -> list[str]:
    return [name for name, step in plan.steps.items() if step.stage == "train"]


def test_there_are_recipes():
    assert len(RECIPES) >= 7


@pytest.mark.parametrize("name", ["w2sr", "w2sr_p", "w2sr_n", "w2sr_p_gsm8k", "teachers"])
def test_the_papers_values(name):
    """What methods say of W2SR's sampling and training stands in each of its recipes."""
    plan, _ = load_plan(ROOT / "recipes" / "w2sr" / f"{name}.yaml", seed=None)
    for step in plan.steps.values():
        if step.stage == "sample" and not step.name.startswith("eval/"):
            sampling = step.config["sampling"]
            assert (sampling["n"], sampling["temperature"], sampling["top_p"]) == (8, 1.0, 0.95)
        if step.stage == "select":
            assert (step.config["per"], step.config["take"]) == ("problem", 1)
        if step.stage == "train":
            assert step.config["batch"] == 128
            assert step.config["lora"] is None
            assert step.config["trainer"] == {
                "learning_rate": 2e-5,
                "num_train_epochs": 10,
                "lr_scheduler_type": "cosine",
                "warmup_steps": 0.1,
                "max_length": 4096,
            }
    assert "student_thinking" in {one.model for one in plan.measured}


def test_the_variants_draw_the_same_traces():
    """-P and -N cost no sampling after W2SR: everything up to the choice is the same."""
    plans = [
        load_plan(ROOT / "recipes" / "w2sr" / f"{name}.yaml", seed=None)[0]
        for name in ("w2sr", "w2sr_p", "w2sr_n")
    ]
    for name in ("weak", "student", "thinking", "drawn", "graded", "clean"):
        assert len({str(plan.steps[name].config) for plan in plans}) == 1, name
    wheres = [plan.steps["chosen"].config["where"] for plan in plans]
    assert [where.get("graded.correct") for where in wheres] == [None, True, False]
    assert [bool(gold_use(plan, "tuned")) for plan in plans] == [False, True, True]


def on_the_world(path: Path) -> bool:
    """Whether the overlay is made for it: it is of real size."""
    return "Needs GPUs" in path.read_text(encoding="utf-8")


WEAK = [path for path in RECIPES if on_the_world(path)]


@pytest.mark.parametrize("recipe", WEAK, ids=lambda path: path.stem)
def test_recipe_is_sized_down_to_the_world(recipe):
    """Nothing of its real size is left: no hub, no big model, no long training."""
    world = ROOT / "recipes" / "world.yaml"
    plan = load_plans(recipe, overlays=[world], seed=None)[0].plan
    for step in plan.steps.values():
        assert step.stage != "model", f"{step.name} is still a model of the hub"
        if step.stage == "problems":
            assert step.config["source"] == "world" or step.of, "or cut out of such a set"
            assert not step.config["where"], step.name
        if step.stage == "train":
            epochs = step.config["trainer"].get("num_train_epochs", 0)
            assert (step.config["updates"] or 0) <= 120 and epochs <= 1, step.name
        if step.stage == "sample":
            assert step.config["sampling"]["max_tokens"] <= 64
