"""What is printed, how it ends, and the probe."""

from __future__ import annotations

import json

import pytest

from reason_w2s.doctor.command import as_json, lines
from reason_w2s.doctor.finding import Fact, Finding, Unchecked, exit_status
from reason_w2s.engines.protocols import Completion
from reason_w2s.runs.profile import Profile
from tests.doctor.cases import (
    IMPORTED,
    RECIPE,
    ROOMY,
    diagnose,
    facts,
    findings,
    only,
    project,
    traces,
    unchecked,
)
from tests.runs.small import main

pytestmark = pytest.mark.torch
pytest.importorskip("trl")


def finding(severity) -> Finding:
    return Finding("what", "where", "why", "do", severity)


@pytest.mark.parametrize(
    ("severities", "status"),
    [((), 0), (("note",), 0), (("note", "warning"), 1), (("warning", "error", "note"), 2)],
)
def test_the_exit_status_is_the_gravest(severities, status):
    rest = [Fact("batch", "as it is"), Unchecked("disk", "no")]
    assert exit_status([*rest, *map(finding, severities)]) == status


def test_a_recipe_that_cannot_be_read_is_one_finding(tmp_path):
    path = project(tmp_path)
    found = diagnose(path, "steps.tuned.train.bach=3")
    assert "unknown key 'bach'" in only(found).what
    assert (only(found).where, found.status) == (str(path), 2)


def test_a_smoothing_that_trl_ignores(tmp_path):
    text = RECIPE.replace(
        "chosen: {select: {of: graded, where: {finish_reason: stop, graded.correct: true}}}",
        "chosen: {pair: {of: graded, rules: [{chosen: {}, rejected: {}}]}}",
    ).replace("objective: sft", "objective: dpo")
    path = project(tmp_path, text)
    assert not findings(diagnose(path))
    smooth = "steps.tuned.train.trainer.label_smoothing=0.1"
    found = only(diagnose(path, smooth))
    assert "label_smoothing: TRL ignores it under loss_type sigmoid" in found.what
    assert "it counts under" in found.todo
    assert not findings(diagnose(path, smooth, "steps.tuned.train.trainer.loss_type=robust"))


def test_what_is_printed(tmp_path):
    path = project(tmp_path)
    printed = list(lines(diagnose(path, "models.student.path=./nowhere")))
    assert printed[0] == f"{path} on profile.yaml"
    assert "error: ./nowhere: there is no such folder, and it is no name on the hub" in printed
    assert f"  where: {path}: models.student.path" in printed
    assert printed[-1].startswith("1 error, 0 warnings, 0 notes; ")
    assert not any("\n" in line for line in printed)


def test_json_holds_all_of_it(tmp_path):
    found = diagnose(project(tmp_path), "models.weak.prompt=zero_shot_cot")
    data = json.loads(json.dumps(as_json(found)))
    assert data["exit_status"] == found.status == 0
    assert [set(one) for one in data["findings"]] == [{"what", "where", "why", "todo", "severity"}]
    about = {one["about"] for one in data["facts"]}
    assert {"batch", "memory", "examples", "lengths", "rows"} <= about
    (batch,) = [one["data"] for one in data["facts"] if one["about"] == "batch"]
    assert batch == {
        "steps": ["tuned"],
        "batch": 8,
        "processes": 1,
        "micro_batch": 8,
        "accumulation": 1,
    }


def test_learned_tokens_are_marked(tmp_path):
    path = project(tmp_path, IMPORTED)
    plain = "\n".join(diagnose(path).shown)
    assert "[learned>So \\boxed{3}.<|im_end|><]" in plain
    assert "\x1b" not in plain
    colour = "\n".join(diagnose(path, colour=True).shown)
    assert "\x1b[32mSo \\boxed{3}.<|im_end|>\x1b[0m" in colour
    assert "\x1b[2m<|im_start|>user\x1b[0m" in colour


def test_hostile_text_does_nothing_to_a_terminal(tmp_path):
    path = project(tmp_path, IMPORTED)
    said = [{"response": f"\x1b[31m\x07\u202e{'x' * 5000} \\boxed{{3}}"}] * 60
    traces(tmp_path, said)
    shown = "\n".join(diagnose(path).shown)
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "characters) ..." in shown
    assert len(shown) < 2000


def test_as_many_examples_as_asked(tmp_path):
    path = project(tmp_path, IMPORTED)
    for count in (0, 1, 3):
        assert "\n".join(diagnose(path, examples=count).shown).count("[learned>") == count
    assert not diagnose(path, examples=0).shown


class Thinker:
    """Right where it is asked for steps, else wrong."""

    def __init__(self, *_):
        self.closed = False

    def sample(self, requests):
        for one in requests:
            right = "step by step" in one.rendered.text
            text = f"\\boxed{{{one.problem.gold if right else -1}}}"
            yield Completion(one.key, text, None, "stop", 1, 1)

    def close(self):
        self.closed = True


ASKED = "models.student.prompt=qa"


def test_the_probe_finds_headroom(tmp_path, monkeypatch):
    monkeypatch.setattr("reason_w2s.doctor.probe.open_sampler", Thinker)
    path = project(tmp_path, IMPORTED)
    found = diagnose(path, ASKED, probe=6)
    (fact,) = facts(found, "headroom")
    assert fact.data == {"model": "student", "n": 6, "own": 0, "thinking": 6}
    note = only(found)
    assert note.severity == "note"
    assert "asked to think, the untrained 'student' is right on 6 of 6, else on 0" in note.what
    text = IMPORTED.replace(
        "evaluate: {suites: [suite.yaml], models: {",
        "  think: {prompted: {model: student, prompt: zero_shot_cot}}\n"
        "evaluate: {suites: [suite.yaml], models: {think: think, ",
    )
    assert not findings(diagnose(project(tmp_path, text), ASKED, probe=6))
    assert not facts(diagnose(path, ASKED), "headroom")


def test_the_probe_asks_a_real_engine(tmp_path, tiny_model):
    path = project(tmp_path, IMPORTED)
    found = diagnose(
        path,
        f"models.student.path={tiny_model}",
        "models.student.prompt=qa",
        "suites.suite.sampling.max_tokens=8",
        profile=Profile(sampler="hf"),
        probe=2,
    )
    (fact,) = facts(found, "headroom")
    assert fact.data["n"] == 2
    assert 0 <= fact.data["own"] <= 2


def test_a_probe_of_what_is_not_here_is_said(tmp_path):
    path = project(tmp_path, IMPORTED)
    gone = diagnose(path, "models.student.path=nobody/nothing", probe=2)
    assert "the headroom of 'student': not on this disk" in unchecked(gone)
    text = IMPORTED.replace("data.jsonl}", "data.jsonl, labels: none}")
    unlabelled = project(tmp_path, text.replace(", graded.correct: true", ""))
    assert "no problems with answers are here" in unchecked(diagnose(unlabelled, probe=2))


def test_the_command_line(tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    monkeypatch.chdir(tmp_path)
    # what is installed and how much room there is differs from machine to machine
    monkeypatch.setattr("reason_w2s.doctor.command.this_machine", lambda _: ROOMY)
    code, out, err = main(["doctor", str(path)], monkeypatch, capsys)
    assert (code, err) == (0, "")
    assert "\x1b" not in out, "no colour where nobody looks"
    assert out.rstrip().splitlines()[-1].startswith("0 errors, 0 warnings, 0 notes")
    code, out, _ = main(["doctor", str(path), "suites.suite.prompt=qa"], monkeypatch, capsys)
    assert code == 1
    assert "warning: 'tuned' was trained with" in out
    code, out, _ = main(["doctor", str(path), "x=1", "--json"], monkeypatch, capsys)
    assert code == 2
    assert len(json.loads(out)["findings"]) == 1
    assert not (tmp_path / "runs").exists(), "nothing is written"


def test_the_command_line_names_a_profile(tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    (tmp_path / "three.yaml").write_text("{train: {processes: 3}}")
    monkeypatch.chdir(tmp_path)
    for option in ("--on", "--profile"):
        code, out, _ = main(["doctor", str(path), option, "three.yaml"], monkeypatch, capsys)
        assert code == 2
        assert "batch 8 does not divide over 3 processes" in out


def test_plan_on_the_command_line(tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    monkeypatch.chdir(tmp_path)
    code, out, _ = main(["plan", str(path), "--seed", "3"], monkeypatch, capsys)
    assert code == 0
    assert "60 problems x 4 = 240 traces" in out
    assert f"reason-w2s run {path} --seed 3" in out
    (tmp_path / "here.yaml").write_text("{isolate: none}")
    code, out, _ = main(["plan", str(path), "--profile", "here.yaml"], monkeypatch, capsys)
    assert f"reason-w2s run {path} --on here.yaml" in out
    code, out, _ = main(["plan", str(path), "--json"], monkeypatch, capsys)
    data = json.loads(out)
    assert data["commands"] == [f"reason-w2s run {path}"]
    assert data["steps"][0]["name"]
