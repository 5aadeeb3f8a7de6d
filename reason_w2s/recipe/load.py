"""From files and command line to a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.blocks import unrolled
from reason_w2s.recipe.expand import expand
from reason_w2s.recipe.given import Given, run_name
from reason_w2s.recipe.given import models as specs
from reason_w2s.recipe.overlay import merge, overlay, override
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.recipe.prompt_file import is_file, written
from reason_w2s.recipe.refused import refuse_names, refuse_secrets
from reason_w2s.recipe.schema import Recipe, SuiteSpec
from reason_w2s.recipe.sweep import Cell, Role, cells, under
from reason_w2s.recipe.used import Use, embedded, steps, taken_out
from reason_w2s.recipe.variables import substitute
from reason_w2s.recipe.yaml_file import header, nearest, parse, read
from reason_w2s.stages.harness import HarnessSuite

ROOT = Path(__file__).parent.parent.parent
SUITES = ROOT / "eval" / "suites"


class Loaded(NamedTuple):
    """A plan and the recipe it is of. label: its place in a sweep; "" where nothing is swept.
    values: of the sweep's variables here. roles: what these variables are."""

    label: str
    plan: Plan
    recipe: dict[str, Any]
    values: Mapping[str, Any]
    roles: Mapping[str, Role]


def load_plans(
    path: Path, *, overlays: Sequence[Path] = (), overrides: Sequence[str] = (), seed: int | None
) -> list[Loaded]:
    """What a recipe file stands for, after overlays and overrides: one plan, or a sweep's.

    Raises:
        ConfigError: any mistake in any of the files, in one line.
    """
    data = _overridden(_read(path, overlays), overrides)
    if seed is not None:
        if "seed" in (data.get("sweep") or {}):
            raise ConfigError(f"{path}: its sweep says the seeds; leave out --seed, or sweep.seed")
        data = {**data, "seed": seed}
    return [_loaded(cell, path, overlays) for cell in cells(data, str(path))]


def one_of(found: Sequence[Loaded], label: str) -> Loaded:
    """The run of a sweep that has this name.

    Raises:
        ConfigError: none has.
    """
    for one in found:
        if one.label == label and label:
            return one
    known = [one.label for one in found if one.label]
    why = nearest(label, known) if known else "; this recipe sweeps nothing"
    raise ConfigError(f"--cell: no '{label}' in the sweep{why}")


def load_plan(
    path: Path, *, overlays: Sequence[Path] = (), overrides: Sequence[str] = (), seed: int | None
) -> tuple[Plan, dict[str, Any]]:
    """The plan of a recipe file that stands for one, and the recipe.

    Raises:
        ConfigError: as `load_plans`, or there is a sweep of several.
    """
    found = load_plans(path, overlays=overlays, overrides=overrides, seed=seed)
    if len(found) > 1:
        labels = ", ".join(one.label for one in found)
        raise ConfigError(f"{path}: its sweep stands for {len(found)} recipes ({labels}); name one")
    return found[0].plan, found[0].recipe


def _loaded(cell: Cell, path: Path, overlays: Sequence[Path]) -> Loaded:
    title = header(path).splitlines()
    whole = _whole(cell.recipe, path, _Around(overlays, cell.values, (path.resolve(),)))
    plan = plan_of(whole, place=str(path), title=title[0] if title else "")
    if cell.values:
        whole["cell"] = {"values": dict(cell.values), "roles": dict(cell.roles)}
    return Loaded(cell.label, plan, whole, cell.values, cell.roles)


def _read(path: Path, overlays: Sequence[Path]) -> dict[str, Any]:
    """What stands in a recipe file, under the overlays."""
    data: dict[str, Any] = _with_files_beside(read(path), path.parent)
    for other in overlays:
        data = overlay(data, _with_files_beside(read(other), other.parent), str(other))
    return data


class _Around(NamedTuple):
    """What a recipe is loaded under: overlays, values of swept variables, the recipes using it."""

    overlays: Sequence[Path]
    values: Mapping[str, Any]
    within: tuple[Path, ...]


def _whole(data: dict[str, Any], path: Path, around: _Around) -> dict[str, Any]:
    """The recipe with the suites, prompts and other recipes that it names by file."""

    def load(file: Path, use: Use) -> dict[str, Any]:
        other = file if file.is_absolute() else path.parent / file
        if other.resolve() in around.within:
            raise ConfigError(f"{path}: uses {file}, which uses it")
        seed = data.get("seed", 0) if use.seed is None else use.seed
        values = {**around.values, **(use.values or {}), "seed": seed}
        own = under(_read(other, around.overlays), values, str(other))
        within = (*around.within, other.resolve())
        return _whole(own, other, around._replace(values=values, within=within))

    own = _with_prompts(with_own_suites(data, path.parent))
    return embedded(own, load, str(path))


def plan_of(data: dict[str, Any], *, place: str, title: str = "") -> Plan:
    """The plan of a recipe given as a mapping."""
    refuse_secrets(data, place)
    own, uses = taken_out(data, place)
    recipe = recipe_of(own, place)
    refuse_names(recipe, place)
    asked = {name: "evaluate.suites" for name in recipe.evaluate.suites}
    for name, spec in recipe.problems.items():
        if spec.suite is not None:
            asked.setdefault(spec.suite, f"problems.{name}.suite")
    suites = {
        name: suite(name, recipe.suites.get(name), key, place=place) for name, key in asked.items()
    }
    for name in recipe.suites:
        if name not in suites:
            raise ConfigError(
                f"{place}: suites.{name}: not under evaluate.suites{nearest(name, suites)}"
            )
    used = [step for name, use in uses.items() for step in _used(name, use, place)]
    return expand(recipe, suites, place=place, title=title, used=used)


def _used(name: str, use: Use, place: str) -> Iterator[Step]:
    """What a step of another recipe comes to; what that recipe measures is its own business."""
    if isinstance(use.recipe, str):
        raise ConfigError(f"{place}: {name}.use.recipe: '{use.recipe}' is a file, not read here")
    evaluate = {"suites": (use.recipe.get("evaluate") or {}).get("suites", [])}
    plan = plan_of({**use.recipe, "evaluate": evaluate}, place=f"{place}: {name}.use")
    return steps(name, _meant(use.step, use.recipe, plan, place), plan, f"{place}: {name}")


def _meant(step: str, recipe: Mapping[str, Any], plan: Plan, place: str) -> str:
    """The step that a name stands for: its own, the last of `block.step`, or what is measured
    under that name."""
    measured = (recipe.get("evaluate") or {}).get("models") or {}
    asked = {"block": step, "measured": measured.get(step, step)}
    whole = unrolled({"steps": recipe.get("steps"), "evaluate": {"models": asked}}, place)
    found = whole["evaluate"]["models"]
    names = (step, *(found[key] for key in asked if key in found))
    return next((name for name in names if name in plan.steps), step)


def recipe_of(data: Mapping[str, Any], place: str) -> Recipe:
    """A recipe given as a mapping, its blocks unrolled and its variables replaced."""
    seed = data.get("seed", 0)
    whole = substitute(unrolled(data, place), {"seed": seed}, place)
    return parse(Recipe, whole, place)


def eval_recipe(
    given: Given, suites: Sequence[str], *, seed: int, overrides: Sequence[str] = ()
) -> dict[str, Any]:
    """The recipe of an eval-only run: each model with its own prompt unless another is given.

    Raises:
        ConfigError: no such file or checkpoint, or an override of nothing.
    """
    models = _with_files_beside(specs(given), Path.cwd())
    recipe = {
        "name": "eval",
        "seed": seed,
        "models": models,
        "evaluate": {"suites": list(suites), "models": {name: name for name in models}},
    }
    data = _overridden(with_own_suites(recipe, Path.cwd()), overrides)
    if data["name"] == "eval":
        data["name"] = run_name(given, data["models"], suites)
    return _with_prompts(data)


def with_own_suites(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The recipe with the suites it names by file (beside `folder`) written out under `suites`.

    Raises:
        ConfigError: there is no such file.
    """
    evaluate = data.get("evaluate")
    named = evaluate.get("suites") if isinstance(evaluate, dict) else None
    if not isinstance(evaluate, dict) or not isinstance(named, list):
        return data
    files = {
        name: folder / name
        for name in named
        if isinstance(name, str) and name.endswith((".yaml", ".yml"))
    }
    suites = dict(data.get("suites") or {})
    for path in files.values():
        if (SUITES / f"{path.stem}.yaml").is_file():
            raise ConfigError(f"{path}: '{path.stem}' is a shipped suite's name; rename the file")
        suites[path.stem] = merge(
            _with_files_beside(read(path), path.parent), suites.get(path.stem, {})
        )
    kept = [files[name].stem if name in files else name for name in named]
    return {**data, "suites": suites, "evaluate": {**evaluate, "suites": kept}} if files else data


def suite(
    name: str,
    patch: dict[str, Any] | None = None,
    asked: str = "evaluate.suites",
    *,
    place: str = "",
) -> SuiteSpec | HarnessSuite:
    """A suite by name: eval/suites/NAME.yaml with a recipe's changes, or the recipe's own. One with
    `lm_eval` is of lm-eval's tasks. asked: the key that names it, in the recipe of `place`.

    Raises:
        ConfigError: there is no such suite.
    """
    path = SUITES / f"{name}.yaml"
    if not path.is_file() and patch is not None:
        return _suite(patch, f"{place}: suites.{name}" if place else f"suites.{name}")
    if not path.is_file():
        known = [file.stem for file in SUITES.glob("*.yaml")]
        raise ConfigError(f"{asked}: no suite '{name}'{nearest(name, known)}")
    data = _with_prompts(merge(_with_files_beside(read(path), path.parent), patch or {}))
    return _suite(data, f"{path} with the recipe's suites.{name}" if patch else str(path))


def _suite(data: dict[str, Any], where: str) -> SuiteSpec | HarnessSuite:
    return parse(HarnessSuite, data, where) if "lm_eval" in data else parse(SuiteSpec, data, where)


def _overridden(data: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """The recipe under the command line's overrides; their files are beside the caller."""
    for assignment in overrides:
        data = _with_files_beside(override(data, assignment), Path.cwd())
    return data


def _with_prompts(data: dict[str, Any]) -> dict[str, Any]:
    """Prompts named by file written out, so that a run keeps what was asked.

    After all merging: a file replaces another prompt, it does not mix with it.

    Raises:
        ConfigError: no such file, or no prompt in it.
    """

    def found(key: str, value: Any) -> Any:
        if key == "prompt" and is_file(value):
            return written(Path(value))
        return _with_prompts(value) if isinstance(value, dict) else value

    return {key: found(key, value) for key, value in data.items()}


def _with_files_beside(data: Any, folder: Path) -> Any:
    """Relative `file:` and `include_path:` values, and prompts named by file, are meant beside the
    file that says them."""
    if isinstance(data, list):
        return [_with_files_beside(value, folder) for value in data]
    if not isinstance(data, dict):
        return data
    resolved = {key: _with_files_beside(value, folder) for key, value in data.items()}
    file = resolved.get("file")
    if isinstance(file, str):
        resolved["file"] = _beside(folder, file)
    if isinstance(file, list):
        resolved["file"] = [_beside(folder, str(one)) for one in file]
    if isinstance(resolved.get("include_path"), str):
        resolved["include_path"] = _beside(folder, resolved["include_path"])
    if is_file(resolved.get("prompt")):
        resolved["prompt"] = _beside(folder, resolved["prompt"])
    return resolved


def _beside(folder: Path, file: str) -> str:
    return file if Path(file).is_absolute() else str((folder / file).resolve())
