"""Tasks of lm-eval on a model: a process of its own, and a table of every document."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reason_w2s import errors
from reason_w2s.errors import ConfigError, EngineError, MissingExtra, W2SError
from reason_w2s.evaluate.harness import ABOUT, ERROR, ROWS, Job
from reason_w2s.runs.harness import HARNESS, counted, is_right
from reason_w2s.runs.items import Item
from reason_w2s.runs.mending import set_aside
from reason_w2s.runs.open_engine import engine_of, settings_of
from reason_w2s.runs.store import parts, read_json, read_parts, write_json, write_part
from reason_w2s.runs.tables import digest
from reason_w2s.runs.work import Stopwatch, Work

READ = ("metric", "filter")
"""Settings that choose among what is kept; all of it is."""


def find(work: Work) -> Item | None:
    """The documents' rows, if this model was measured on the task under these settings."""
    version = _version()
    if version is None:
        return None
    key = _key(work, version)
    folder = work.store.folder("harness", key)
    if not parts(folder) or not (folder / ABOUT).is_file():
        return None
    config = work.step.config
    table = counted(read_parts(folder, HARNESS).to_pylist(), config["filter"])
    right = [is_right(row, config["metric"]) for row in table]
    mark = digest([(row["doc_hash"], row["response"]) for row in table], right)
    about = read_json(folder / ABOUT)
    counts = {
        "in": len(table),
        "out": len(table),
        "tokens": sum(row["n_tokens"] for row in table),
        "finish": dict(Counter(row["finish_reason"] for row in table)),
    }
    extent = {
        **{name: config[name] for name in READ},
        "model": work.step.roles["model"],
        "lm_eval": about["lm_eval"],
        "tasks": about["tasks"],
        "chat_template": about["chat_template"],
    }
    return Item(work.step.name, "harness", "traces", key, mark, extent=extent, counts=counts)


def make(work: Work) -> None:
    """Run lm-eval, and keep each document's metrics and response."""
    version = _version()
    if version is None:
        raise MissingExtra("lm_eval is not installed: pip install 'reason-w2s[lm_eval]'")
    job = _job(work)
    watch = Stopwatch(work.run)
    with work.store.locked("harness", _key(work, version)) as folder:
        if parts(folder) and (folder / ABOUT).is_file():
            return
        # two models would not fit where one does
        work.engines.close()
        out = folder / "work"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        _run(Job(**job, out=str(out.resolve())), folder / "lm_eval.log")
        lines = (out / ROWS).read_text(encoding="utf-8").splitlines()
        for stale in parts(folder):  # what lm-eval said of itself was damaged
            set_aside(stale)
        write_json(folder / ABOUT, read_json(out / ABOUT))
        write_part(folder, [json.loads(line) for line in lines], HARNESS, watch.lap())
        shutil.rmtree(out)
    size = sum(one["documents"]["effective"] for one in read_json(folder / ABOUT)["tasks"].values())
    work.report(size, size, "documents")


def _job(work: Work) -> dict[str, Any]:
    """What to run, but for where.

    Raises:
        ConfigError: the profile's engine cannot.
    """
    model, profile = work.role("model").reference(), work.profile
    engine = engine_of(model, profile)
    if engine not in ("hf", "vllm"):
        raise ConfigError(
            f"lm_eval tasks need the weights of '{work.step.roles['model']}' in an engine, and "
            f"'{engine}' has none; sample with vllm or hf (--engine, or the profile's sampler)"
        )
    settings = settings_of(model, profile)
    return {
        "config": dict(work.step.config),
        "settings": settings.model_dump(mode="json"),
        "engine": engine,
        "device": profile.train.device,
        "model": model.path,
    }


def _run(job: Job, log: Path) -> None:
    """The process, to its end.

    Raises:
        W2SError: what it said went wrong.
        EngineError: it died.
    """
    out = Path(job.out)
    path = out / "job.json"
    write_json(path, asdict(job))
    python = [sys.executable, "-m"]
    command = [*python, "reason_w2s.processes", *python, "reason_w2s.evaluate.harness", str(path)]
    with log.open("wb") as stream:
        code = subprocess.run(
            command, stdout=stream, stderr=stream, env=_environment(), check=False
        ).returncode
    if code == 0:
        return
    shown = os.path.relpath(log)
    if not (out / ERROR).is_file():
        raise EngineError(f"lm-eval on {job.config['task']}: its process died ({code}): {shown}")
    said = read_json(out / ERROR)
    known = getattr(errors, said["error"], EngineError)
    assert issubclass(known, W2SError), known
    raise known(said["message"] + (f"; see {shown}" if known is EngineError else ""))


def _environment() -> dict[str, str]:
    """What the process needs to find this very package."""
    root = str(Path(__file__).parents[3])
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{known}" if known else root}


def _version() -> str | None:
    try:
        return importlib.metadata.version("lm-eval")
    except importlib.metadata.PackageNotFoundError:
        return None


def _key(work: Work, version: str) -> str:
    """By what decides a response or a metric. lm-eval's version stands for its own task files."""
    model = work.role("model").reference()
    engine = engine_of(model, work.profile)
    settings = work.settings(*READ, "include_path")
    own = _content(work.step.config["include_path"])
    return work.key(version, engine, model.fingerprint, model.dtype, settings, own)


def _content(folder: str | None) -> str | None:
    """The digest of one's own task files, and of the data beside them.

    Raises:
        ConfigError: there is no such folder.
    """
    if folder is None:
        return None
    if not Path(folder).is_dir():
        raise ConfigError(f"include_path: {folder}: there is no such folder of lm-eval task files")
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    found = hashlib.sha256()
    for path in files:
        if "__pycache__" not in path.parts:
            found.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return found.hexdigest()
