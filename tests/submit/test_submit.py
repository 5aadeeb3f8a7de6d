"""What `submit` makes of recipes: the jobs, their order, their scripts, and handing them in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reason_w2s.recipe.load import load_plan
from reason_w2s.submit import graph
from reason_w2s.submit.graph import Cell
from reason_w2s.submit.job import Job
from tests.runs.small import RECIPE, ROOT, TRAIN, main, one_line, project

GOLDEN = Path(__file__).parent / "golden"
PROFILES = ROOT / "launch" / "profiles"
MEASURED = RECIPE + TRAIN + "evaluate: {suites: [suite.yaml], models: {weak: weak, tuned: tuned}}\n"
SWEPT = MEASURED.replace("name: small\n", "name: small\nsweep: {updates: [1, 2]}\n").replace(
    "updates: 1}", 'updates: "${updates}"}'
)
LARGE = {
    "model_type": "qwen2",
    "vocab_size": 152064,
    "hidden_size": 5120,
    "intermediate_size": 27648,
    "num_hidden_layers": 64,
    "num_attention_heads": 40,
    "num_key_value_heads": 8,
}
"""Qwen2.5-32B's sizes."""
SBATCH = """#!/bin/sh
echo "sbatch $*" >> asked
case $* in *refused*) echo "sbatch: error: Invalid account" >&2; exit 1;; esac
echo "$(wc -l < asked);cluster"
"""
SQUEUE = '#!/bin/sh\ncat "$QUEUED" 2>/dev/null\nexit 0\n'


def jobs(tmp_path: Path, recipe: str, made: tuple[str, ...] = (), parts: int = 4) -> list[Job]:
    plan, _ = load_plan(project(tmp_path, recipe), seed=None)
    return graph.jobs([cell(plan, made, parts)])


def cell(plan, made=(), parts=4, label="") -> Cell:
    def sized(step):
        drawn = step.stage == "sample" and not step.name.startswith("eval/")
        kind = "engine" if step.stage == "sample" else "torch"
        return Job(step.name, (), kind, parts=parts if drawn else 1)

    return Cell(label, plan, frozenset(plan.steps), frozenset(made), sized)


def order(found: list[Job]) -> dict[str, list[str]]:
    return {job.name: [found[one].name for one in job.after] for job in found}


def test_steps_without_a_device_share_a_job(tmp_path):
    found = jobs(tmp_path, MEASURED)
    assert order(found) == {
        "overlap/suite": [],
        "drawn": [],
        "graded": ["drawn"],
        "tuned": ["overlap/suite", "graded"],
        "eval/weak/suite": [],
        "eval/tuned/suite": ["tuned"],
        "measure": ["graded", "eval/weak/suite", "eval/tuned/suite"],
    }
    steps = {job.name: job.steps for job in found}
    assert steps["graded"] == ("graded", "clean", "chosen"), "a training waits for these"
    assert "pairs" in steps["measure"], "nothing with a device does for this"
    assert [job.parts for job in found if job.name == "drawn"] == [4]


def test_what_is_made_is_left_out(tmp_path):
    found = jobs(tmp_path, MEASURED, made=("drawn", "graded", "clean", "overlap/suite"))
    assert order(found)["tuned"] == ["chosen"]
    assert not {"drawn", "graded"} & {step for job in found for step in job.steps}
    plan, _ = load_plan(project(tmp_path / "all", MEASURED), seed=None)
    assert graph.jobs([cell(plan, tuple(plan.steps))]) == []


def test_one_model_samples_its_suites_in_one_job(tmp_path):
    (tmp_path / "other.yaml").write_text(
        "problems: {source: jsonl, file: data.jsonl, take: 3}\nsampling: {max_tokens: 64}\n"
    )
    two = MEASURED.replace("[suite.yaml]", "[suite.yaml, other.yaml]")
    sampled = [job.steps for job in jobs(tmp_path, two) if job.kind == "engine"]
    assert sampled == [
        ("drawn",),
        ("eval/weak/suite", "eval/weak/other"),
        ("eval/tuned/suite", "eval/tuned/other"),
    ]


def test_every_job_comes_after_all_it_reads(tmp_path):
    """Over shipped recipes: no step is lost or done twice, none before what it reads is made."""
    for name in ("quickstart.yaml", "weaver/weaver.yaml", "on_policy/on_policy_dpo.yaml"):
        plan, _ = load_plan(ROOT / "recipes" / name, seed=0)
        found = graph.jobs([cell(plan)])
        place = {step: number for number, job in enumerate(found) for step in job.steps}
        assert sum(len(job.steps) for job in found) == len(place)
        for number, job in enumerate(found):
            before = {number, *job.after}
            todo = list(job.after)
            while todo:
                more = set(found[todo.pop()].after) - before
                before |= more
                todo += more
            needed = {place[one] for one in plan.needed(job.steps) if one in place}
            assert needed <= before, job.name
        assert len(found) < len(place)


def written(arguments, folder, monkeypatch, capsys) -> str:
    """What a dry run says, and the lines of each script that are its own."""
    monkeypatch.chdir(folder)
    code, out, err = main(["submit", *arguments, "--dry-run"], monkeypatch, capsys)
    assert code == 0, err
    parts = [out]
    for path in sorted(folder.glob("runs/*/jobs/*.sh")):
        lines = path.read_text().splitlines()
        asked = [line for line in lines if line.startswith("#SBATCH")]
        start = next(at for at, line in enumerate(lines) if " reason_w2s.cli run " in line)
        stop = next(at for at, line in enumerate(lines[start:], start) if line.endswith("&"))
        parts += [f"== {path.relative_to(folder)}", *asked, *lines[start : stop + 1]]
    text = "\n".join(parts) + "\n"
    places = {str(folder): "FOLDER", sys.executable: "PYTHON", str(PROFILES): "PROFILES"}
    for place, name in places.items():
        text = text.replace(place, name)
    return text


@pytest.mark.parametrize("name", ["cpu", "node8", "nodes", "sweep"])
def test_golden(name, tmp_path, monkeypatch, capsys):
    """REASON_W2S_GOLDEN=1 writes the files anew."""
    monkeypatch.delenv("REASON_W2S_RUNS", raising=False)
    path = project(tmp_path, SWEPT if name == "sweep" else MEASURED, n=1000)
    (tmp_path / "nobody" / "weak").mkdir(parents=True)
    (tmp_path / "nobody" / "weak" / "config.json").write_text(json.dumps(LARGE))
    profile = PROFILES / f"{'cpu' if name == 'sweep' else name}.yaml"
    more = ["steps.tuned.train.batch=32", "steps.drawn.sample.sampling.n=16"]
    found = written([path.name, *more, "--on", str(profile)], tmp_path, monkeypatch, capsys)
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("REASON_W2S_GOLDEN"):
        golden.write_text(found)
    assert found == golden.read_text()


def test_plan_names_what_starts_several_machines(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, MEASURED)
    monkeypatch.chdir(tmp_path)
    nodes = ["--on", str(PROFILES / "nodes.yaml")]
    _, out, _ = main(["plan", path.name, *nodes], monkeypatch, capsys)
    assert "  reason-w2s submit small.yaml --on " in out
    assert "  srun --nodes=2 --ntasks=2 " in out
    _, out, _ = main(["plan", path.name, "--on", "fake.yaml"], monkeypatch, capsys)
    assert "  reason-w2s run small.yaml --on fake.yaml" in out


def slurm(folder: Path, monkeypatch) -> None:
    """A Slurm that takes everything and forgets it."""
    for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE)):
        (folder / "bin").mkdir(exist_ok=True)
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("QUEUED", str(folder / "queued"))
    monkeypatch.chdir(folder)


FAKE = (
    "{isolate: none, sampler: fake, slurm: {parts: 2, part_traces: 10, extra: {account: ours}}}\n"
)


def test_jobs_are_handed_in_and_remembered(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, RECIPE)
    (tmp_path / "fake.yaml").write_text(FAKE)
    slurm(tmp_path, monkeypatch)
    code, out, err = main(["submit", path.name, "--on", "fake.yaml"], monkeypatch, capsys)
    assert code == 0, err
    scripts = ["runs/small/jobs/1-drawn.sh", "runs/small/jobs/2-measure.sh"]
    assert (tmp_path / "asked").read_text().splitlines() == [
        f"sbatch --parsable {scripts[0]}",
        f"sbatch --parsable --dependency=afterok:1 {scripts[1]}",
    ]
    assert out.splitlines()[-1] == "2 jobs, 3 with all parts of arrays"
    assert "#SBATCH --account=ours\n" in (tmp_path / scripts[0]).read_text()
    code, out, _ = main(["status", path.name, "--on", "fake.yaml"], monkeypatch, capsys)
    assert "  1          drawn (2 parts)" in out.splitlines()
    assert "  2          measure  after 1" in out.splitlines()
    again = ["submit", path.name, "--on", "fake.yaml", "--until", "drawn", "--dry-run"]
    _, out, _ = main(again, monkeypatch, capsys)
    assert out.splitlines() == [
        f"job1=$(sbatch --parsable {scripts[0]})",
        "1 job, 2 with all parts of arrays",
    ]
    assert not (tmp_path / scripts[1]).exists(), "no script is left of what is not submitted"
    # while one is there, no second
    (tmp_path / "queued").write_text("5\n2\n2\n")
    code, _, err = main(["submit", path.name, "--on", "fake.yaml"], monkeypatch, capsys)
    assert code == 2
    assert "of the jobs of this run 1 wait or run already" in one_line(err)
    assert "scancel 2" in one_line(err)


@pytest.mark.slow
def test_the_jobs_of_a_recipe_do_the_recipe(tmp_path, monkeypatch, capsys):
    """Each script run to its end, parts one after another, in the order that sbatch got them."""
    path = project(tmp_path, RECIPE)
    (tmp_path / "fake.yaml").write_text(FAKE)
    monkeypatch.chdir(tmp_path)
    main(["submit", path.name, "--on", "fake.yaml", "--dry-run"], monkeypatch, capsys)
    at = {**os.environ, "PYTHONPATH": str(ROOT), "SLURM_JOB_ID": "1"}
    for name, parts in (("1-drawn", (2, 1)), ("2-measure", (0,))):
        for part in parts:
            done = subprocess.run(
                ["bash", f"runs/small/jobs/{name}.sh"],
                env={**at, "SLURM_ARRAY_JOB_ID": "1", "SLURM_ARRAY_TASK_ID": str(part)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
    _, out, _ = main(["submit", path.name, "--on", "fake.yaml", "--dry-run"], monkeypatch, capsys)
    assert out.startswith("nothing to submit: every step is made already")


def test_a_refused_job_says_what_is_handed_in(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, RECIPE + TRAIN)
    (tmp_path / "fake.yaml").write_text(FAKE)
    slurm(tmp_path, monkeypatch)
    (tmp_path / "bin" / "sbatch").write_text(SBATCH.replace("refused", "tuned"))
    code, _, err = main(["submit", path.name, "--on", "fake.yaml"], monkeypatch, capsys)
    assert code == 2
    assert "Invalid account; 3 jobs before it are handed in" in one_line(err)
    assert one_line(err).endswith("scancel 1 2 3")
    kept = json.loads((tmp_path / "runs/small/jobs/jobs.json").read_text())
    assert [job["id"] for job in kept[0]["jobs"]] == ["1", "2", "3"]


def test_mistakes_are_one_line(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, SWEPT)
    (tmp_path / "bare.yaml").write_text("{sampler: fake}\n")
    (tmp_path / "fake.yaml").write_text(FAKE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    for arguments, said in (
        (["--on", "bare.yaml"], "bare.yaml: has no `slurm:` section"),
        (["--on", "fake.yaml"], "sbatch: not found: this machine hands no jobs to Slurm"),
        (["--on", "fake.yaml", "--until", "nothing"], "no step 'nothing' in the plan"),
    ):
        code, _, err = main(["submit", path.name, *arguments], monkeypatch, capsys)
        assert code == 2
        assert said in one_line(err)
    code, _, err = main(["run", path.name, "--cell", "updates3"], monkeypatch, capsys)
    assert "--cell: no 'updates3' in the sweep; did you mean 'updates" in one_line(err)
