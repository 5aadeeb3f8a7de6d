"""A recipe, written out as flat steps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reason_w2s import prompts
from reason_w2s.errors import ConfigError
from reason_w2s.problems.spec import Labels, ProblemSpec
from reason_w2s.prompts import Prompt
from reason_w2s.recipe.kept import marked
from reason_w2s.recipe.overlaps import overlap_steps
from reason_w2s.recipe.owners import elsewhere
from reason_w2s.recipe.plan import Measured, Plan, Step
from reason_w2s.recipe.rules import enforce
from reason_w2s.recipe.schema import ModelSpec, Recipe, SuiteSpec
from reason_w2s.recipe.selections import measurements, verifiers
from reason_w2s.recipe.spoken import check_spoken
from reason_w2s.recipe.yaml_file import nearest, parse
from reason_w2s.stages.harness import HarnessSuite
from reason_w2s.stages.table import STAGES, USABLE, config_class

Suite = SuiteSpec | HarnessSuite
LABELS: tuple[Labels, ...] = ("gold", "audit", "none")
"""From what lets most be seen to what lets least."""


def expand(
    recipe: Recipe,
    suites: Mapping[str, Suite],
    *,
    place: str,
    title: str,
    used: Iterable[Step] = (),
) -> Plan:
    """The plan of a recipe: unused models and problem sets are left out. used: others' steps.

    Raises:
        ConfigError: a name twice, a reference to nothing, a cycle, a value of the wrong kind, gold
            labels used where they may not be.
    """
    asked = {name: spec for name, spec in suites.items() if isinstance(spec, SuiteSpec)}
    builder = _Builder(recipe, asked, place)
    for step in used:
        builder.add(step)
    for name, model in recipe.models.items():
        builder.add_model(name, model)
    for name, problems in recipe.problems.items():
        builder.add_problems(name, problems)
    for name, written in recipe.steps.items():
        builder.add_step(name, written)
    wanted = list(recipe.steps)
    measured = builder.add_measurements(suites)
    _in_order(builder.steps, [*wanted, *(one.graded for one in measured)], place)
    measured += builder.add_selections(asked)
    check_spoken(recipe.evaluate, measured, f"{place}: evaluate")
    verified = builder.add_verifiers(asked)
    wanted += [one.graded for one in (*measured, *verified)]
    used_suites = builder.suites_among(_in_order(builder.steps, wanted, place))
    # first of all: what stops a run should do so before anything is sampled
    wanted = [*builder.add_overlaps([*measured, *verified], used_suites), *wanted]
    order = _in_order(builder.steps, wanted, place)
    builder.ask_as_tasks_do(order)
    made = marked({name: builder.steps[name] for name in order}, place)
    plan = Plan(
        name=recipe.name,
        title=title,
        seed=recipe.seed,
        steps=made,
        measured=tuple(measured),
        verifiers=tuple(verified),
        compare=recipe.evaluate.compare,
        gaps=recipe.evaluate.gaps,
        controls=recipe.evaluate.controls,
    )
    enforce(plan, place)
    return plan


class _Builder:
    """Collects flat steps under one namespace."""

    def __init__(self, recipe: Recipe, suites: Mapping[str, SuiteSpec], place: str) -> None:
        self.recipe = recipe
        self.suites = suites
        self.place = place
        self.steps: dict[str, Step] = {}

    def add(self, step: Step) -> None:
        if step.name in self.steps:
            raise ConfigError(
                f"{self.place}: the name '{step.name}' stands twice; models, problems and steps "
                f"share one namespace"
            )
        self.steps[step.name] = step

    def prompt(self, given: Any, where: str) -> dict[str, Any] | None:
        """A prompt as JSON; None: the model's own."""
        if given is None:
            return None
        if isinstance(given, str):
            own = self.recipe.prompts.get(given)
            if own is None and given not in prompts.names():
                known = [*self.recipe.prompts, *prompts.names()]
                raise ConfigError(f"{where}: unknown prompt '{given}'{nearest(given, known)}")
            given = own or prompts.load(given)
        if not isinstance(given, Prompt):
            given = parse(Prompt, given, where)
        dumped: dict[str, Any] = given.model_dump(mode="json")
        return dumped

    def add_model(self, name: str, spec: ModelSpec) -> None:
        where = f"{self.place}: models.{name}"
        prompt = self.prompt(spec.prompt, f"{where}.prompt")
        if spec.path is not None:
            config = {"path": spec.path, "revision": spec.revision, "dtype": spec.dtype}
            if spec.at_endpoint:
                config |= {"served": spec.served, "tokenizer": spec.tokenizer}
            self.add(Step(name, "model", "model", {**config, "prompt": prompt}))
            return
        stage, settings = "pretrain", spec.world
        of: tuple[str, ...] = ()
        if isinstance(settings, str):
            settings = {"size": settings}
        if spec.scratch is not None:
            stage, settings = "scratch", dict(spec.scratch)
            of = _names(settings.pop("of", None))
        made: dict[str, Any] = parse(config_class(stage), settings, where).model_dump(mode="json")
        own = made.pop("seed")
        seed = self.recipe.seed if own is None else own
        self.add(Step(name, stage, "model", {**made, "prompt": prompt}, of=of, seed=seed))

    def add_problems(self, name: str, spec: ProblemSpec) -> None:
        labels = self._labels(spec, ())
        suite = self._suite(spec, ())
        if labels == "gold" and suite is not None:
            raise ConfigError(
                f"{self.place}: problems.{name}.labels: got gold of suite '{suite}', which is for "
                f"the report; expected audit or none (take labelled problems from elsewhere)"
            )
        if spec.suite is not None:
            if spec.suite not in self.suites:
                raise ConfigError(
                    f"{self.place}: problems.{name}.suite: '{spec.suite}' is of lm-eval's tasks, "
                    f"which bring their own problems; expected a suite with 'problems'"
                )
            spec = spec.model_copy(update={"of": f"suites/{spec.suite}", "suite": None})
        if spec.of in self.recipe.problems:
            allowed = self._labels(self.recipe.problems[spec.of], (spec.of,))
            # gold of a set that is not otherwise paid for: so many problems of it, and no more
            sampled = (labels, allowed) == ("gold", "audit") and spec.take is not None
            if LABELS.index(labels) < LABELS.index(allowed) and not sampled:
                paid = (
                    "; of a sample it can: take: N"
                    if labels == "gold" != allowed == "audit"
                    else ""
                )
                raise ConfigError(
                    f"{self.place}: problems.{name}.labels: '{labels}' cannot be cut out of "
                    f"'{spec.of}', which has labels: {allowed}{paid}"
                )
        self.add(self._problems(name, spec.model_copy(update={"labels": labels})))

    def _labels(self, spec: ProblemSpec, seen: tuple[str, ...]) -> Labels:
        """A set's labels: its own, else those of the set it is cut out of."""
        if spec.labels is None and spec.of in self.recipe.problems and spec.of not in seen:
            return self._labels(self.recipe.problems[spec.of], (*seen, spec.of))
        return spec.labels or ("gold" if spec.suite is None else "audit")

    def _suite(self, spec: ProblemSpec, seen: tuple[str, ...]) -> str | None:
        """The suite that a set is cut out of, however often."""
        if spec.of in self.recipe.problems and spec.of not in seen:
            return self._suite(self.recipe.problems[spec.of], (*seen, spec.of))
        return spec.suite

    def _problems(self, name: str, spec: ProblemSpec) -> Step:
        of = () if spec.of is None else (spec.of,)
        roles = {f"without.{index}": other for index, other in enumerate(spec.without)}
        config = spec.model_dump(mode="json")
        near = {
            role: self.suites[other.removeprefix("suites/")].overlap.model_dump(mode="json")
            for role, other in roles.items()
            if other.startswith("suites/") and other.removeprefix("suites/") in self.suites
        }
        config |= {"near": near} if near else {}
        return Step(name, "problems", "problems", config, of, roles, self.recipe.seed, spec.labels)

    def add_step(self, name: str, written: dict[str, Any]) -> None:
        where = f"{self.place}: steps.{name}"
        if not isinstance(written, dict) or len(written) != 1:
            raise ConfigError(f"{where}: expected one stage, {{STAGE: {{settings}}}}")
        stage, settings = next(iter(written.items()))
        if stage not in USABLE:
            raise ConfigError(f"{where}: unknown stage '{stage}'{nearest(stage, USABLE)}")
        if not isinstance(settings, dict):
            raise ConfigError(f"{where}.{stage}: expected a mapping, got {settings!r}")
        settings = dict(settings)
        if stage == "prompted":
            self._prompted(name, settings, f"{where}.prompted")
        else:
            self._stage(name, stage, settings, f"{where}.{stage}")

    def _prompted(self, name: str, settings: dict[str, Any], where: str) -> None:
        _refuse_unknown(settings, ("model", "prompt", "shots"), where)
        shots = settings.get("shots")
        if settings.get("model") is None or (settings.get("prompt") is None and shots is None):
            raise ConfigError(f"{where}: expected 'model', and 'prompt' or 'shots' or both")
        config = {"prompt": self.prompt(settings.get("prompt"), f"{where}.prompt")}
        roles = {"model": str(settings["model"])}
        roles |= {} if shots is None else {"shots": str(shots)}
        self.add(Step(name, "prompted", "model", config, roles=roles))

    def _stage(self, name: str, stage: str, settings: dict[str, Any], where: str) -> None:
        spec = STAGES[stage]
        known = config_class(stage).model_fields
        _refuse_unknown(settings, (*known, *spec.roles, "of", "seed"), where)
        seed = settings.pop("seed", self.recipe.seed)
        if type(seed) is not int:
            raise ConfigError(f"{where}.seed: expected a whole number, got {seed!r}")
        of = _names(settings.pop("of", None))
        if not of:
            raise ConfigError(f"{where}: 'of' is missing: the name of a step or problem set")
        given = {role: settings.pop(role) for role in spec.roles if role in settings}
        config = parse(config_class(stage), settings, where).model_dump(mode="json")
        models = _names(given.get("model"))
        if len(models) > 1:
            del given["model"]
        elif models:
            given["model"] = models[0]
        roles = {role: str(value) for role, value in given.items() if value is not None}
        if len(models) > 1:
            self._fan_out(Step(name, stage, spec.gives, config, of, roles, seed), models)
            return
        for role in spec.needs:
            if role not in roles:
                raise ConfigError(f"{where}: '{role}' is missing: the name of a model")
        self.add(Step(name, stage, spec.gives, config, of, roles, seed))

    def _fan_out(self, step: Step, models: tuple[str, ...]) -> None:
        """A step over several models: one step for each, and their union under the step's name."""
        parts = []
        for model in models:
            part = f"{step.name}/{model}"
            parts.append(part)
            roles = {**step.roles, "model": model}
            self.add(Step(part, step.stage, step.kind, step.config, step.of, roles, step.seed))
        self.add(Step(step.name, "union", step.kind, {}, tuple(parts)))

    def add_measurements(self, suites: Mapping[str, Suite]) -> list[Measured]:
        """A problem set per suite; a sample and a check step per model and suite. One step for a
        task of lm-eval, which brings its own problems."""
        for suite, spec in self.suites.items():
            audited = spec.problems.model_copy(update={"labels": "audit"})
            self.add(self._problems(f"suites/{suite}", audited))
        # a model's suites together: whatever loads it, loads it once
        return [
            measured
            for name, step in self.recipe.evaluate.models.items()
            for suite, spec in suites.items()
            if suite in self.recipe.evaluate.suites
            for measured in (
                [self._measure(name, step, suite, spec)]
                if isinstance(spec, SuiteSpec)
                else self._harness(name, step, suite, spec)
            )
        ]

    def add_selections(self, suites: Mapping[str, SuiteSpec]) -> list[Measured]:
        """The steps that grade selections, on the suites that their problems are of."""
        return self._added(measurements, suites)

    def add_verifiers(self, suites: Mapping[str, SuiteSpec]) -> list[Measured]:
        """The steps that grade what verifiers look at."""
        return self._added(verifiers, suites)

    def _added(
        self,
        make: Callable[..., tuple[list[Step], list[Measured]]],
        suites: Mapping[str, SuiteSpec],
    ) -> list[Measured]:
        plan = Plan(self.recipe.name, "", self.recipe.seed, self.steps)
        steps, measured = make(plan, self.recipe.evaluate, suites, self.place)
        for step in steps:
            self.add(step)
        return measured

    def suites_among(self, names: Collection[str]) -> dict[str, SuiteSpec]:
        """The suites that are measured on, or whose problems are among the steps."""
        asked = self.recipe.evaluate.suites
        return {
            suite: spec
            for suite, spec in self.suites.items()
            if suite in asked or f"suites/{suite}" in names
        }

    def _harness(self, name: str, step: str, suite: str, spec: HarnessSuite) -> Iterator[Measured]:
        for called, config in spec.steps(suite):
            measured = f"eval/{name}/{called}"
            settings = config.model_dump(mode="json")
            self.add(Step(measured, "harness", "traces", settings, roles={"model": step}))
            yield Measured(name, step, called, measured)

    def ask_as_tasks_do(self, names: Sequence[str]) -> None:
        """Models without a prompt that only lm-eval asks need none: its tasks bring the text."""
        for name in names:
            step = self.steps[name]
            users = {self.steps[one].stage for one in names if name in self.steps[one].inputs}
            if step.stage == "model" and step.config["prompt"] is None and users == {"harness"}:
                prompt = Prompt(template="{question}").model_dump(mode="json")
                self.steps[name] = replace(step, config={**step.config, "prompt": prompt})

    def _measure(self, name: str, step: str, suite: str, spec: SuiteSpec) -> Measured:
        base = f"eval/{name}/{suite}"
        prompt = self.prompt(spec.prompt, f"{self.place}: suites.{suite}.prompt")
        model = step
        if prompt is not None:
            model = f"{base}/asked"
            self.add(Step(model, "prompted", "model", {"prompt": prompt}, roles={"model": step}))
        config = {"sampling": spec.sampling.model_dump(mode="json")}
        problems = (f"suites/{suite}",)
        seed = self.recipe.seed
        self.add(Step(base, "sample", "traces", config, problems, {"model": model}, seed))
        check = spec.check.model_dump(mode="json")
        graded = f"{base}/graded"
        self.add(Step(graded, "check", "traces", check, (base,)))
        return Measured(name, step, suite, graded)

    def add_overlaps(
        self, measured: Sequence[Measured], suites: Mapping[str, SuiteSpec]
    ) -> list[str]:
        """The steps of `overlap_steps`; training waits for them."""
        plan = Plan(self.recipe.name, "", self.recipe.seed, self.steps)
        allow = self.recipe.evaluate.overlap == "allow"
        steps, trained = overlap_steps(plan, measured, suites, allow=allow)
        names = [step.name for step in steps]
        for step in steps:
            self.add(step)
        for name in trained:
            self.steps[name] = replace(self.steps[name], after=tuple(names))
        return names


def _refuse_unknown(settings: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for key in settings:
        if key not in known:
            hint = elsewhere(str(key)) or nearest(str(key), known)
            raise ConfigError(f"{where}: unknown key '{key}'{hint}")


def _names(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else (str(value),)


def _in_order(steps: Mapping[str, Step], wanted: list[str], place: str) -> list[str]:
    """The wanted steps and what they need, each after its inputs, otherwise as written."""
    order: list[str] = []
    open_: list[str] = []

    def visit(name: str, asked_by: str) -> None:
        if name in order:
            return
        if name not in steps:
            where = f"{place}: {asked_by}" if asked_by else place
            raise ConfigError(f"{where}: nothing is named '{name}'{nearest(name, steps)}")
        if name in open_:
            circle = " -> ".join([*open_[open_.index(name) :], name])
            raise ConfigError(f"{place}: steps need each other in a circle: {circle}")
        open_.append(name)
        for other in steps[name].inputs:
            visit(other, name)
        open_.pop()
        order.append(name)

    for name in wanted:
        visit(name, "")
    return order
