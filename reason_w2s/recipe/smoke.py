"""A recipe made small enough to be tried on a laptop: an overlay that code writes.

Five problems, random weights, two updates; everything else is the recipe's own: its steps, engines,
architectures, tokenizers, templates, prompts, objectives and trainer keys. What fails here fails on
GPUs too. Nothing after the recipe knows that it is a smoke run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reason_w2s.engines.model_folder import find_prompt
from reason_w2s.engines.protocols import Sampling
from reason_w2s.errors import ConfigError
from reason_w2s.problems.spec import ProblemSpec
from reason_w2s.recipe.load import SUITES, plan_of, recipe_of, suite
from reason_w2s.recipe.plan import Plan
from reason_w2s.recipe.rules import check_batches
from reason_w2s.recipe.schema import ModelSpec, Recipe, SuiteSpec
from reason_w2s.recipe.selections import suite_of
from reason_w2s.recipe.smoke_problems import FewProblems
from reason_w2s.recipe.used import Use, taken_out
from reason_w2s.stages.harness import HarnessSuite
from reason_w2s.train import like
from reason_w2s.train.config import TrainProfile
from reason_w2s.train.objectives import OBJECTIVES

SAMPLES, MAX_TOKENS = 2, 48
UPDATES, BATCH = 2, 4
WORLD_TOKENS = 25_600
LOCAL = (".", "/", "~")
DOWNLOAD = "hf download {} --exclude '*.safetensors'"
RATE = 0.1
ANY_PAIR = {"chosen": {}, "rejected": {}, "max": 2}
TITLE = "SMOKE RUN: five problems, random weights; accuracies mean nothing"


@dataclass(frozen=True, slots=True)
class Smoke:
    """The small recipe, its plan, and in words what stands for what in it."""

    plan: Plan
    data: dict[str, Any]
    replaced: tuple[str, ...]


def smoke(plan: Plan, data: Mapping[str, Any], profile: TrainProfile) -> Smoke:
    """The recipe `data` of a valid `plan`, made small.

    Raises:
        ConfigError: a batch that does not divide over the profile's processes, or a model that
            nothing says how to ask.
        DataError: a problem set or file to import that is here, but not as the recipe says.
    """
    check_batches(plan, plan.steps, profile)
    own, uses = taken_out(data, plan.name)
    recipe = recipe_of(own, plan.name)
    small: dict[str, Any] = recipe.model_dump(mode="json", exclude_unset=True)
    small["name"] = f"{plan.name}-smoke"
    few = FewProblems(plan)
    used = {
        name: place
        for name, place in _used_problems(plan).items()
        if name.partition("/")[0] not in uses
    }
    texts = next((name for name in used if name in recipe.problems), None)
    replaced = [*_models(small, plan, recipe, texts), *_problems(small, used, few, plan)]
    replaced += _without_lm_eval(small, recipe)
    replaced += _steps(small, plan, few, profile)
    small["steps"] = {**small.get("steps", {}), **_others(uses, plan, profile)}
    if uses:
        replaced += _gaps(small)
    if few.missing and "evaluate" in small:
        small["evaluate"]["overlap"] = "allow"
        replaced.append("overlap with suites: allowed, for the world's problems are told alike")
    title = f"{TITLE}. {plan.title}"
    return Smoke(plan_of(small, place=f"{plan.name} --smoke", title=title), small, tuple(replaced))


def _gaps(small: dict[str, Any]) -> Iterator[str]:
    """Random models of two recipes are not one: a ceiling used from another has another base."""
    gaps = small.get("evaluate", {}).get("gaps", {})
    for name, gap in list(gaps.items()):
        if gap.get("base") is not None and gap.get("ceiling") is not None:
            del gaps[name]
            yield f"evaluate.gaps.{name}: left out, for its base and its ceiling's are random"


def _others(uses: Mapping[str, Use], plan: Plan, profile: TrainProfile) -> dict[str, Any]:
    """What is used of other recipes, of these made small."""
    found = {}
    for name, use in uses.items():
        assert not isinstance(use.recipe, str), "loading has put the recipe itself there"
        other = smoke(plan_of(use.recipe, place=f"{plan.name}: {name}"), use.recipe, profile)
        found[name] = {"use": {**use.model_dump(exclude_none=True), "recipe": other.data}}
    return found


def _used_problems(plan: Plan) -> dict[str, str]:
    """The problem sets that steps take, each with its place; not what others are cut out of."""
    sets = {name for name, step in plan.steps.items() if step.stage == "problems"}
    taken = {one for name, step in plan.steps.items() if name not in sets for one in step.inputs}
    whole = {name: suite_of(plan, name) for name in sets & taken}
    taken |= {f"suites/{suite}" for suite in whole.values() if suite is not None}
    return {name: step.place for name, step in plan.steps.items() if name in sets & taken}


def _models(small: dict[str, Any], plan: Plan, recipe: Recipe, texts: str | None) -> Iterator[str]:
    for name, spec in recipe.models.items():
        if name not in plan.steps or spec.scratch is not None:
            continue
        if spec.path is None:
            config = plan.steps[name].config
            pretrained = {"size": config["size"], "tokens": WORLD_TOKENS}
            small["models"][name]["world"] = {**_given(spec.world), **pretrained}
            yield f"models.{name}: pretrained on {WORLD_TOKENS:,} tokens"
        else:
            small["models"][name], said = _like(
                f"models.{name}", spec.tokenizer or spec.served or spec.path, spec, texts
            )
            yield f"models.{name}: {said}"


def _given(world: str | dict[str, Any] | None) -> dict[str, Any]:
    return dict(world) if isinstance(world, dict) else {}


def _like(where: str, path: str, spec: ModelSpec, texts: str | None) -> tuple[dict[str, Any], str]:
    """A located model as a scratch one, and what it is in words."""
    folder = like.on_disk(path, spec.revision)
    prompt = spec.model_dump(mode="json")["prompt"]
    if prompt is None:
        saved = None if folder is None else find_prompt(folder)
        if saved is None:
            raise ConfigError(
                f"{where}: {path} carries no prompt (it was not trained here); give it one: "
                f"{where}.prompt"
            )
        prompt = saved[0].model_dump(mode="json")
    dtype = spec.dtype or (like.saved_dtype(folder) if folder else None) or "float32"
    scratch = {"like": path, "revision": spec.revision, "dtype": dtype}
    if folder is None:
        # its tokenizer has to learn from something
        scratch["of"] = texts
    made = {"scratch": {key: value for key, value in scratch.items() if value is not None}}
    return {**made, "prompt": prompt}, _described(path, folder is not None, dtype)


def _described(path: str, here: bool, dtype: str) -> str:
    if here:
        return f"{path} at width {like.WIDTH}, random, {dtype}; its own tokenizer and template"
    one = like.stand_in(path)
    return (
        f"{path} is not on disk: a random {one.model_type}, {dtype}, a byte-level tokenizer and "
        f"TRL's {one.template} template"
    )


def _problems(
    small: dict[str, Any], used: Mapping[str, str], few: FewProblems, plan: Plan
) -> Iterator[str]:
    suites = small.setdefault("suites", {})
    for name, place in used.items():
        suite_name = name.removeprefix("suites/")
        made_from = suite_of(plan, name)
        if suite_name != name:
            suites[suite_name] = _suite(suite_name, suites.get(suite_name), few.spec(name))
        elif made_from is None:
            small["problems"][name] = few.spec(name)
        else:
            small["problems"][name] = {"suite": made_from, "labels": plan.steps[name].labels}
        whole = made_from in (None, suite_name)
        yield f"{place}: {few.said(name) if whole else f'all of suite {made_from}'}"


def _without_lm_eval(small: dict[str, Any], recipe: Recipe) -> Iterator[str]:
    """lm-eval's tasks bring their own data, which nothing can stand for."""
    for name in recipe.evaluate.suites:
        if isinstance(suite(name, recipe.suites.get(name)), HarnessSuite):
            small["evaluate"]["suites"].remove(name)
            small.get("suites", {}).pop(name, None)
            yield f"suites.{name}: left out, for lm-eval's tasks need their own data"


def _suite(name: str, patch: dict[str, Any] | None, problems: dict[str, Any]) -> dict[str, Any]:
    """The recipe's entry of a suite, with null for what a shipped file says of other problems."""
    whole = suite(name, patch)
    assert isinstance(whole, SuiteSpec), name
    patch = patch or {}
    shipped = (SUITES / f"{name}.yaml").is_file()
    blank = dict.fromkeys(ProblemSpec.model_fields) if shipped else {}
    sampling = {**patch.get("sampling", {}), **_few(whole.sampling)}
    return {**patch, "problems": {**blank, **problems}, "sampling": sampling}


def _steps(
    small: dict[str, Any], plan: Plan, few: FewProblems, profile: TrainProfile
) -> Iterator[str]:
    absent = _absent(small)
    written = small.get("steps", {})
    for name, step in list(written.items()):
        stage, settings = next(iter(step.items()))
        if stage == "sample":
            settings = {**settings, "sampling": _sampling(settings.get("sampling"))}
        elif stage == "select":
            mix = {name: {**part, "where": {}} for name, part in settings.get("mix", {}).items()}
            settings = {**settings, "where": {}, **({"mix": mix} if mix else {})}
        elif stage == "pair":
            settings = {"of": settings["of"], "rules": [ANY_PAIR]}
        elif stage == "noise":
            settings = {**settings, "otherwise": RATE}
        elif stage == "train":
            batch = min(plan.steps[name].config["batch"], _batch(plan, profile))
            settings = _train(settings, batch, fits=not absent)
        elif stage == "import" and not few.imported(plan.steps[name]):
            stage, settings = "sample", _instead(settings, small, plan)
            yield f"steps.{name}: sampled, since its files or its problems are not here"
        written[name] = {stage: settings}
    yield from _said(plan, profile, absent)


def _sampling(given: Mapping[str, Any] | None) -> dict[str, Any]:
    return {**(given or {}), **_few(Sampling.model_validate(given or {}))}


def _few(asked: Sampling) -> dict[str, int]:
    return {"n": min(asked.n, SAMPLES), "max_tokens": min(asked.max_tokens, MAX_TOKENS)}


def _train(settings: dict[str, Any], batch: int, *, fits: bool) -> dict[str, Any]:
    dropped = {"num_train_epochs"} if fits else {"num_train_epochs", "max_length"}
    trainer = {
        key: value for key, value in settings.get("trainer", {}).items() if key not in dropped
    }
    by = OBJECTIVES[settings["objective"]]
    if by.group:
        trainer.pop("generation_batch_size", None)
        trainer |= {"max_completion_length": MAX_TOKENS}
        # one group, however the batch is shared out
        trainer |= {"num_generations": batch} if by.reward else {}
    small = {"batch": batch, "updates": UPDATES, "min_examples": 1, "trainer": trainer}
    # random weights state no answer: their traces are learned whole
    kept = {key: value for key, value in settings.items() if (key, value) != ("target", "answer")}
    return {**kept, **small}


def _batch(plan: Plan, profile: TrainProfile) -> int:
    """The smallest batch that divides over the profile's processes; of four or more where no traces
    are imported, for those are long and a whole vocabulary's logits are kept for each token."""
    least = 1 if any(step.stage == "import" for step in plan.steps.values()) else BATCH
    whole = profile.processes * (profile.micro_batch or 1)
    return -(-least // whole) * whole


def _instead(settings: dict[str, Any], small: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """Settings of a sample step whose traces stand for imported ones."""
    model = next(name for name in small["models"] if name in plan.steps)
    return {"model": model, "of": settings["of"], "sampling": _sampling({"n": SAMPLES})}


def _absent(small: Mapping[str, Any]) -> list[str]:
    """The models that are not on disk, once each."""
    likes = [spec.get("scratch") or {} for spec in small.get("models", {}).values()]
    found = (one for one in likes if "like" in one)
    return sorted(
        {one["like"] for one in found if like.on_disk(one["like"], one.get("revision")) is None}
    )


def _said(plan: Plan, profile: TrainProfile, absent: list[str]) -> Iterator[str]:
    stages = {step.stage for step in plan.steps.values()}
    if "sample" in stages:
        yield f"sample steps and suites: n {SAMPLES} and max_tokens {MAX_TOKENS} at most"
    if stages & {"select", "pair"}:
        yield "select and pair steps: any trace will do, for random weights are never right"
    if "noise" in stages:
        yield f"noise steps: a rate of {RATE}, for five problems say nothing of one"
    if "train" in stages:
        cut = "; no max_length, for a stand-in's tokens are not the model's" if absent else ""
        yield f"train steps: {UPDATES} updates, batch {_batch(plan, profile)} at most{cut}"
        if any(step.config.get("target") == "answer" for step in plan.steps.values()):
            yield "target: answer: whole traces, for random weights state no answer"
        yield "not tried: whether the real examples fit max_length; only real weights show it"
    for name in absent:
        if name.startswith(LOCAL):
            continue
        yield f"to try {name} itself, without its weights: {DOWNLOAD.format(name)}"
