"""launch/serve.sh: what it starts, on one machine and on the nodes of a job."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.runs.small import ROOT

TOOLS = {
    "vllm": '[ "$1" = --version ] || echo "vllm $*"',
    "nvidia-smi": "echo GPU 0; echo GPU 1; echo GPU 2; echo GPU 3",
    "scontrol": "printf 'n1\\nn2\\n'",
    "getent": "[ $2 = n1 ] && echo '10.0.0.1 STREAM n1'",
    "srun": 'echo "srun $1 $2 $3"; while [ "${1#--}" != "$1" ]; do shift; done\n'
    'for node in 0 1; do SLURM_NODEID=$node "$@"; done',
}


def serve(folder: Path, *arguments: str, without=(), **environment: str):
    """The script among made-up tools: exit code, the commands it came to, what it said."""
    for name, text in TOOLS.items():
        body = "exit 127" if name in without else text
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    known = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    done = subprocess.run(
        [ROOT / "launch" / "serve.sh", *arguments],
        env={**known, "PATH": f"{folder}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    started = [line for line in lines if line.split()[0] in ("vllm", "srun", "-m")]
    return done.returncode, started, done.stdout + done.stderr


def test_one_machine_serves_as_many_copies_as_its_gpus_hold(tmp_path):
    code, started, said = serve(tmp_path, "a/b", "--gpus-each", "2", "--", "--max-num-seqs", "9")
    assert code == 0, said
    assert started == [
        "vllm serve a/b --served-model-name a/b --tensor-parallel-size 2 --data-parallel-size 2 "
        "--host 127.0.0.1 --port 8000 --max-num-seqs 9"
    ]
    assert "  {path: http://127.0.0.1:8000/v1, served: a/b, tokenizer: a/b}" in said


def test_without_gpus_and_without_its_command(tmp_path):
    code, started, said = serve(
        tmp_path, "a/b", "--port", "81", without=("vllm", "nvidia-smi"), PYTHON="echo"
    )
    assert code == 0, said
    assert started == [
        "-m vllm.entrypoints.openai.api_server --model a/b --no-enable-chunked-prefill "
        "--served-model-name a/b --tensor-parallel-size 1 --data-parallel-size 1 "
        "--host 127.0.0.1 --port 81"
    ]


def test_the_python_beside_a_command_that_does_not_start_serves(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHON", raising=False)
    (tmp_path / "python").write_text('#!/bin/sh\necho "$*"\n')
    (tmp_path / "python").chmod(0o755)
    code, started, said = serve(tmp_path, "a/b", without=("vllm", "nvidia-smi"))
    assert code == 0, said
    assert [line.split()[:2] for line in started] == [["-m", "vllm.entrypoints.openai.api_server"]]


def test_without_vllm_it_says_what_installs_it(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHON", raising=False)
    script = tmp_path / "launch" / "serve.sh"
    script.parent.mkdir()
    script.write_bytes((ROOT / "launch" / "serve.sh").read_bytes())
    done = subprocess.run(
        ["bash", script, "a/b"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "vllm is not installed here" in done.stderr


def test_the_nodes_of_a_job_serve_at_the_first(tmp_path):
    job = {"SLURM_JOB_ID": "5", "SLURM_JOB_NUM_NODES": "2", "SLURM_JOB_NODELIST": "n[1-2]"}
    code, started, said = serve(tmp_path, "a/b", "--", "--dtype", "bfloat16", **job)
    assert code == 0, said
    same = (
        "--served-model-name a/b --tensor-parallel-size 1 --data-parallel-size 8 "
        "--data-parallel-size-local 4 --data-parallel-address 10.0.0.1 "
        "--data-parallel-rpc-port 8001 --dtype bfloat16"
    )
    assert started == [
        "srun --nodes=2 --ntasks=2 --ntasks-per-node=1",
        f"vllm serve a/b {same} --host 0.0.0.0 --port 8000",
        f"vllm serve a/b {same} --headless --data-parallel-start-rank 4",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "which model?"),
        (["a/b", "--copies", "none"], "--copies wants a number, got 'none'"),
        (["a/b", "--dtype", "x"], "unknown option '--dtype'; options of vllm serve stand after --"),
        (["a/b", "c/d"], "one model, got 'a/b' and 'c/d'"),
        (["a/b", "--gpus-each", "8"], "--gpus-each 8: a node has 4"),
    ],
)
def test_mistakes_are_one_line(tmp_path, arguments, said):
    code, started, out = serve(tmp_path, *arguments)
    assert (code, started) == (2, [])
    assert said in out
    assert out.count("\n") == 1
