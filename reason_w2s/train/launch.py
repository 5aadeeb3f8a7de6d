"""Training in several processes: files for `accelerate launch`, and the launch itself.

On several machines, the nodes of a Slurm job, srun starts it once on each; they share the files.

Both files are rendered from the profile and the step, and kept with the run. While the step is not
finished (its work folder is there) they can be started by hand, to see what goes wrong:
`accelerate launch --config_file accelerate.yaml -m reason_w2s.train.rank task.json`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from reason_w2s import errors
from reason_w2s.errors import EngineError, OutOfSpace, W2SError, require
from reason_w2s.processes import Stopped, holding, told
from reason_w2s.room import free_mib
from reason_w2s.train import checkpoint, nodes
from reason_w2s.train.arguments import accumulation
from reason_w2s.train.config import Progress, TrainProfile, TrainStats
from reason_w2s.train.extensions import clear_locks
from reason_w2s.train.job import Rows, Task

ROWS = "rows"
TASK = "task.json"
CONFIG = "accelerate.yaml"
RESULT = "result.json"
SHORT_MIB = 1.0
"""With less free than this, processes that ended without a word had no room to write."""
MAX_GRAD_NORM = 1.0
"""transformers' default, which DeepSpeed has to be told."""


def launch(task: Task, rows: Rows, progress: Progress) -> TrainStats:
    """Train in the processes the profile asks for; this one only waits and passes progress on.

    Raises:
        EngineError: a process died or failed; what it printed is on standard error.
        W2SError: what the first process raised on purpose.
        Stopped: it was told to end; the processes left a checkpoint, if they had come to an update.
    """
    task = _absolute(task)
    meeting = nodes.meeting(task.profile.machines)
    work, folder = task.places.work, task.places.rendered or task.places.work
    _write_rows(rows, work / ROWS)
    for left in (RESULT, checkpoint.STOP):
        (work / left).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TASK).write_text(task.to_json(), encoding="utf-8")
    render(task, folder, meeting)
    if task.profile.zero_stage:
        clear_locks()
    started = command(folder, task.profile.machines)
    code = _start(started, work / checkpoint.STOP, progress)
    result = _result(work / RESULT)
    if result is None and told():
        checkpoint.stop()
    if result is None and free_mib(work) < SHORT_MIB:
        raise OutOfSpace(
            f"{work}: training ended, and {free_mib(work):,.1f} MiB are free: no room for its "
            f"checkpoint; make room, then the same command goes on from here"
        )
    if result is None or code != 0:
        asked = f"{task.profile.processes} processes, ZeRO stage {task.profile.zero_stage}"
        raise EngineError(f"training in {asked}: accelerate launch ended with code {code}")
    shutil.rmtree(work / ROWS)
    return TrainStats(**result)


def _absolute(task: Task) -> Task:
    """The same from any folder: its files may be started by hand."""
    places = replace(
        task.places,
        init=task.places.init.resolve(),
        ref=task.places.ref and task.places.ref.resolve(),
        teacher=task.places.teacher and task.places.teacher.resolve(),
        out=task.places.out.resolve(),
        work=task.places.work.resolve(),
        rendered=task.places.rendered and task.places.rendered.resolve(),
        optimizer=task.places.optimizer and task.places.optimizer.resolve(),
    )
    resume = task.resume and task.resume.resolve()
    adapter = task.adapter and task.adapter.resolve()
    start = task.start.resolve()
    return replace(task, places=places, start=start, resume=resume, adapter=adapter)


def render(task: Task, folder: Path, meeting: nodes.Meeting = nodes.HERE) -> Path:
    """Write accelerate.yaml, and deepspeed.json where a ZeRO stage is asked for.

    meeting: where the processes find each other.
    """
    profile = task.profile
    settings: dict[str, Any] = {
        "compute_environment": "LOCAL_MACHINE",
        # accelerate's word for torchrun, also where the processes then train on CPUs
        "distributed_type": "DEEPSPEED" if profile.zero_stage else "MULTI_GPU",
        "num_machines": profile.machines,
        # of several machines, each says its own on the command line
        "machine_rank": 0,
        "num_processes": profile.processes,
        "use_cpu": False,
        "main_process_port": meeting.port,
    }
    if meeting.host is not None:
        settings |= {"main_process_ip": meeting.host, "same_network": True}
    if profile.zero_stage:
        path = folder / "deepspeed.json"
        path.write_text(json.dumps(deepspeed_config(task), indent=1) + "\n", encoding="utf-8")
        settings["deepspeed_config"] = {
            "deepspeed_config_file": str(path),
            "zero3_init_flag": profile.zero_stage == 3,
        }
        if profile.machines > 1:
            # torchrun's: DeepSpeed's own would log in to the other machines
            settings["deepspeed_config"]["deepspeed_multinode_launcher"] = "standard"
    else:
        settings["mixed_precision"] = "bf16" if task.settings.dtype == "bfloat16" else "no"
    config = folder / CONFIG
    # accelerate reads YAML 1.1, where an unquoted `no` is false
    text = require("yaml", "train").safe_dump(settings, sort_keys=False)
    config.write_text(text, encoding="utf-8")
    return config


def deepspeed_config(task: Task) -> dict[str, Any]:
    """DeepSpeed's own settings. The optimiser is TRL's (torch AdamW), so losses are plain's."""
    profile, settings = task.profile, task.settings
    micro, steps = accumulation(settings.batch, profile, settings.by.least)
    return {
        "train_batch_size": settings.batch,
        "train_micro_batch_size_per_gpu": micro,
        "gradient_accumulation_steps": steps,
        "gradient_clipping": float(settings.trainer.get("max_grad_norm", MAX_GRAD_NORM)),
        "bf16": {"enabled": settings.dtype == "bfloat16"},
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "zero_optimization": _zero(profile),
    }


def _zero(profile: TrainProfile) -> dict[str, Any]:
    found: dict[str, Any] = {"stage": profile.zero_stage}
    if profile.offload != "none":
        found["offload_optimizer"] = {"device": "cpu", "pin_memory": profile.device == "cuda"}
    if profile.zero_stage == 3:
        found["stage3_gather_16bit_weights_on_model_save"] = True
        if profile.offload == "all":
            found["offload_param"] = {"device": "cpu", "pin_memory": profile.device == "cuda"}
    return found


def _write_rows(rows: Rows, folder: Path) -> None:
    """Tokenised once, read by every process."""
    shutil.rmtree(folder, ignore_errors=True)
    require("datasets", "train").Dataset.from_list(rows).save_to_disk(str(folder))


def command(folder: Path, machines: int = 1) -> list[str]:
    """What starts the processes of a step whose files were rendered into `folder`."""
    python = [sys.executable, "-m"]
    launcher = [*python, "reason_w2s.processes", *python, "accelerate.commands.launch"]
    config, rank = ["--config_file", str(folder / CONFIG)], ["-m", "reason_w2s.train.rank"]
    task = [*rank, str(folder / TASK)]
    if machines == 1:
        return [*launcher, *config, *task]
    return nodes.on_each(machines, [*launcher, *config], task)


def _start(command: list[str], stop: Path, progress: Progress) -> int:
    """Run it to its end; its lines of progress are passed on, all else goes to standard error.

    Told to end, it leaves the file `stop`, which the processes look for after each update; before
    the first one there is nothing to keep.
    """
    process = subprocess.Popen(
        command,
        # a worker's is the line to its parent, and srun would read it
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**os.environ, **_environment()},
        text=True,
    )
    assert process.stdout is not None
    begun = False

    def tell() -> None:
        stop.touch()
        if not begun:
            process.kill()

    try:
        with holding(tell):
            for line in process.stdout:
                if line.startswith('{"updates"'):
                    said = json.loads(line)
                    begun = True
                    progress(said["updates"], said["of"])
                else:
                    sys.stderr.write(line)
        return process.wait()
    finally:
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    """What the processes need to find this very package, and to be heard at once."""
    root = str(Path(__file__).parents[2])
    known = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": f"{root}{os.pathsep}{known}" if known else root, "PYTHONUNBUFFERED": "1"}


def _result(path: Path) -> dict[str, Any] | None:
    """What the first process said when it ended: its statistics, or an error of ours."""
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    if not text:  # there was no room to write it
        return None
    said: dict[str, Any] = json.loads(text)
    if "error" not in said:
        return said
    if said["error"] == Stopped.__name__:
        checkpoint.stop()
    known = getattr(errors, said["error"], None)
    if isinstance(known, type) and issubclass(known, W2SError):
        raise known(said["message"])
    raise EngineError(f"{said['error']}: {said['message']}")
