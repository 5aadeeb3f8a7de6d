"""Models that a step makes: trained through TRL, or built from nothing for the CPU world."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from reason_w2s.engines.model_folder import WEIGHTS, fingerprint, save_prompt
from reason_w2s.engines.seal import broken, seal
from reason_w2s.errors import Damaged
from reason_w2s.processes import holding
from reason_w2s.prompts import Prompt
from reason_w2s.room import room
from reason_w2s.runs import rows
from reason_w2s.runs.items import Item, ModelRef
from reason_w2s.runs.mending import check_made
from reason_w2s.runs.store import Cost, Store, put_folder, read_json, write_json
from reason_w2s.runs.tables import digest
from reason_w2s.runs.work import Stopwatch, Work
from reason_w2s.stages.train import (
    TEXTS,
    TrainConfig,
    from_pairs,
    from_solutions,
    from_traces,
    from_values,
    from_verdicts,
    with_rate,
)
from reason_w2s.train.checkpoint import damaged
from reason_w2s.train.config import OPTIMIZER, Data, TrainStats

LATER = ("loss", "reward")
"""Settings of a train step that the first of its version did not have."""


def find(work: Work) -> Item | None:
    """The model, if a run finished making it."""
    stage, key = work.step.stage, _key(work)
    folder = work.store.folder(stage, key)
    if not (folder / "made.json").is_file():
        return None
    made = read_json(folder / "made.json")
    if "unchanged" not in made:
        check_made(folder / "model", made)
    model = _model(work, made, folder)
    counts = {name: made["stats"][name] for name in ("examples", "updates", "tokens")}
    counts["generated"] = made["stats"].get("generated", 0)
    counts["in"] = counts["out"] = counts["examples"]
    said = []
    if made.get("left_out"):
        counts["left_out"] = made["left_out"]
        said.append(_left_out_said(work, made["left_out"]))
    if made.get("damaged"):
        lost = ", ".join(made["damaged"])
        said.append(f"{lost} was damaged, and training went on from before it")
    if said:
        counts["said"] = "; ".join(said)
    if "wanted" in made:
        counts["wanted"] = made["wanted"]
    name = work.step.name
    return Item(name, stage, "model", key, made["fingerprint"], model=model, counts=counts)


def make(work: Work) -> None:
    """Train in `work/`, then move the finished folder to `model/`; resumes a killed training."""
    stage, key = work.step.stage, _key(work)
    watch = Stopwatch(work.run)
    with work.store.locked(stage, key) as folder:
        if (folder / "made.json").is_file():
            return
        if _learns_nothing(work):
            write_json(folder / "made.json", _unchanged(work, watch.lap()))
            return
        with holding() if stage == "train" else nullcontext():
            # told to end, it leaves a checkpoint; one that is just done is put in its place
            _make(work, folder, watch)


def _make(work: Work, folder: Path, watch: Stopwatch) -> None:
    aside = folder / "work"
    out = aside / "model"
    aside.mkdir(exist_ok=True)
    with room(folder, "a checkpoint, or the model"):
        stats = _build(work, out, aside)
        prompt = _prompt(work)
        assert prompt is not None, work.step.name
        save_prompt(out, Prompt.model_validate(prompt))
    mark = fingerprint(out)
    put_folder(out, folder / "model")
    leaves = bool(work.step.config.get("save_optimizer"))
    if leaves:
        put_folder(aside / OPTIMIZER, folder / OPTIMIZER)
    cost = _cost(watch.lap(), stats, work)
    made = {
        "fingerprint": mark,
        "stats": asdict(stats),
        "cost": asdict(cost),
        "files": seal(folder / "model", WEIGHTS),
        **({"optimizer": seal(folder / OPTIMIZER)} if leaves else {}),
        **({"damaged": lost} if (lost := damaged(aside)) else {}),
        **_verdicts(work),
    }
    write_json(folder / "made.json", made)
    shutil.rmtree(aside)


def _model(work: Work, made: Mapping[str, Any], folder: Path) -> ModelRef:
    if "unchanged" in made:
        return replace(work.role("init").reference(), prompt=_prompt(work))
    dtype = work.step.config.get("dtype") or "float32"
    path = str((folder / "model").resolve())
    return ModelRef(path, made["fingerprint"], _prompt(work), dtype)


def _learns_nothing(work: Work) -> bool:
    """Whether there are no examples, and the recipe says that there may be none."""
    allowed = work.step.stage == "train" and work.step.config["min_examples"] == 0
    return allowed and not any(item.counts["out"] for item in work.of)


def _unchanged(work: Work, cost: Cost) -> dict[str, Any]:
    """What is remembered of a training without examples: its model is the one it started from."""
    init = work.role("init").reference()
    stats = asdict(TrainStats(0, 0, 0, 0.0, 0.0))
    made = {"fingerprint": init.fingerprint, "stats": stats, "cost": asdict(cost)}
    return {**made, "unchanged": True}


def _cost(lap: Cost, stats: TrainStats, work: Work) -> Cost:
    """Training's own peak memory, and the seconds of all processes that trained."""
    processes = work.profile.train.processes if work.step.stage == "train" else 1
    peak = stats.peak_memory_mib or lap.peak_memory_mib
    return Cost(lap.run, round(lap.seconds * processes, 3), round(peak, 1))


def _build(work: Work, out: Path, aside: Path) -> TrainStats:
    if work.step.stage == "train":
        return _train(work, out, aside)
    from reason_w2s.train import pretrain

    settings = work.settings("prompt")
    seed = work.step.seed
    if work.step.stage == "pretrain":
        return pretrain.pretrain(
            pretrain.PretrainSettings.model_validate(settings),
            out,
            seed=seed,
            progress=lambda done, total: work.report(done, total, "updates"),
        )
    texts = [problem.question for item in work.of for problem in rows.problems(work.store, item)]
    pretrain.scratch(pretrain.ScratchSettings.model_validate(settings), texts, out, seed=seed)
    return TrainStats(len(texts), 0, 0, 0.0, 0.0)


def _train(work: Work, out: Path, aside: Path) -> TrainStats:
    from reason_w2s.train.job import TrainPlaces
    from reason_w2s.train.run import train

    config = TrainConfig.model_validate(_settings(work))
    init = work.role("init")
    ref, teacher = (
        work.role(role).folder() if role in work.step.roles else None for role in ("ref", "teacher")
    )
    return train(
        examples(work.store, work.of, config),
        config.settings(),
        TrainPlaces(
            init.folder(), ref, out, aside, _card(work), work.rendered(), _left(work), teacher
        ),
        prompt=init.reference().asked(),
        seed=work.step.seed,
        profile=work.profile.train,
        progress=lambda done, total: work.report(done, total, "updates"),
    )


def _left(work: Work) -> Path | None:
    """The optimiser state that goes on; None: none does, or its training had nothing to learn.

    Raises:
        Damaged: it is not what was written.
    """
    if not work.step.config["keep_optimizer"]:
        return None
    folder = work.store.folder("train", work.role("init").key).resolve()
    made = read_json(folder / "made.json")
    if made.get("unchanged"):
        return None
    why = broken(folder / OPTIMIZER, made.get("optimizer", {}), content=True)
    if why is not None:
        raise Damaged.of([folder / OPTIMIZER, folder / "made.json"], why)
    return folder / OPTIMIZER


def examples(store: Store, of: Sequence[Item], config: TrainConfig) -> Data:
    """What a train step learns from: `of` joined, in their order."""
    kinds = {item.kind for item in of}
    if kinds == {"problems"}:
        asked = [one for item in of for one in rows.problems(store, item)]
        return asked if config.by.learns == "problems" else list(from_solutions(asked))
    if config.label is not None:
        graded = (row for item in of for row in rows.rows(store, item))
        return list(from_verdicts(graded, config.label))
    if config.by.learns == "values":
        assert config.target is not None
        return list(
            from_values((row for item in of for row in rows.rows(store, item)), config.target)
        )
    if kinds == {"traces"}:
        return [one for item in of for one in from_traces(rows.rows(store, item), config.target)]
    read = [rows.pairs(store, item) for item in of]
    if config.side is not None:
        sides = [named[getattr(one, config.side)] for found, named in read for one in found]
        return list(from_traces(sides, config.target))
    return [one for found, named in read for one in from_pairs(found, named, config.scores)]


def _verdicts(work: Work) -> dict[str, int]:
    """How many traces the step's label says nothing of, and how many it says are wanted; of a
    column of numbers how many have none."""
    label, column = work.step.config.get("label"), _column(work)
    if column is None:
        return {}
    read = (row for item in work.of for row in rows.rows(work.store, item))
    said = Counter(None if (value := row.value(column)) is None else bool(value) for row in read)
    known = {"left_out": said[None]}
    return known if label is None else {**known, "wanted": said[True]}


def _column(work: Work) -> str | None:
    """The column that says what is learned of a trace, where one does."""
    label, target = work.step.config.get("label"), work.step.config.get("target")
    found = label if label is not None else target
    return None if found is None or found in TEXTS else str(found)


def _left_out_said(work: Work, count: int) -> str:
    return f"{count:,} traces without {_column(work)} were left out"


def _card(work: Work) -> dict[str, str]:
    """What the model card says about where the model comes from."""
    parents = {
        role: f"{name} ({work.role(role).digest[:12]})"
        for role, name in work.step.roles.items()
        if role != "noise"
    }
    if "noise" in work.step.roles:
        parents["flipped pairs"] = work.role("noise").counts["said"]
    data = [
        f"{item.step} ({item.counts.get('pairs', item.counts['out']):,} {item.kind}, "
        f"digest {item.digest[:12]})"
        for item in work.of
    ]
    left_out = _verdicts(work).get("left_out")
    data += [_left_out_said(work, left_out)] if left_out else []
    gold = {"gold labels used": work.gold}
    return {"run": work.run, "step": work.step.name, **parents, "data": ", ".join(data), **gold}


def _prompt(work: Work) -> Any:
    if work.step.stage != "train":
        return work.step.config["prompt"]
    return work.role("init").reference().prompt


def _key(work: Work) -> str:
    if work.step.stage != "train":
        of = [item.digest for item in work.of]
        like = _like(work.step.config)
        return work.key(work.settings("prompt"), of, _prompt(work), work.step.seed, *like)
    models = {role: item for role in work.step.roles if (item := work.role(role)).kind == "model"}
    roles = {role: item.reference().fingerprint for role, item in models.items()}
    trained_on = [_content(item) for item in work.of]
    columns = _column(work), (work.step.config.get("loss") or {}).get("scores")
    if work.step.config["target"] == "answer" or any(columns):
        # what is learned stands in columns above, not in the texts
        trained_on += [one.digest for item in work.of for one in item.lineage()]
    goes_on = [work.role("init").key] if work.step.config["keep_optimizer"] else []
    return work.key(_settings(work), roles, _prompt(work), trained_on, work.step.seed, *goes_on)


def _settings(work: Work) -> dict[str, Any]:
    """The step's settings; a rate that another step measured stands where a typed one would."""
    if "noise" not in work.step.roles:
        return _said(work)
    return with_rate(_said(work), work.role("noise").counts["taken"])


def _said(work: Work) -> dict[str, Any]:
    """The settings, less those that came to be later and are not used: older results stay found."""
    unused = [name for name in LATER if work.step.config.get(name) is None]
    return work.settings(*unused)


def _like(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The content of the model that a scratch model is made like."""
    if config.get("like") is None:
        return ()
    from reason_w2s.train.like import identity

    return (identity(config["like"], config["revision"]),)


def _content(item: Item) -> str:
    """What is trained on, whatever its step is called."""
    return digest(item.kind, item.digest)
