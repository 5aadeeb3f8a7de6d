"""The second opinion and the classes of disagreement."""

import json
from importlib.util import find_spec

import pytest

from reason_w2s.answers import Verdict
from reason_w2s.answers.files import audit, command
from reason_w2s.answers.files.audit import Audit, Compared, compare, lines
from reason_w2s.answers.files.table import Columns, Comparing, Graded
from reason_w2s.errors import MissingExtra

needs_math_verify = pytest.mark.skipif(
    find_spec("math_verify") is None, reason="math-verify is not installed (the audit extra)"
)


def graded(response, gold, correct, status=None, rule="boxed", line=1):
    status = status or {True: "correct", False: "wrong", None: "unparseable_prediction"}[correct]
    return Graded(line, response, gold, Verdict(status, correct, response, rule))


@pytest.mark.parametrize(
    ("correct", "status", "theirs", "group"),
    [
        (True, None, True, "agree"),
        (False, None, False, "agree"),
        (False, "no_answer", False, "agree"),
        (True, None, False, "ours correct, theirs wrong"),
        (False, None, True, "ours wrong, theirs correct"),
        (False, "no_answer", True, "ours no answer, theirs correct"),
        (None, None, True, "ours undecided, theirs correct"),
        (None, "timeout", False, "ours undecided, theirs wrong"),
        (True, None, None, "theirs no opinion"),
        (None, None, "gave up", "theirs gave up"),
    ],
)
def test_classes(correct, status, theirs, group):
    assert audit._class(graded("5", "5", correct, status), theirs) == group


def test_an_audit_reads_well_in_any_width():
    found = Audit(examples=2)
    for line in range(5):
        row = graded("x" * 300, "\\frac{1}{2}\n" * 20, True, line=line * 1000)
        found.add(Compared(row, "ours correct, theirs wrong", "y + 1"))
    found.add(Compared(graded("5", "5", True), "agree", "5"))
    for width in (40, 72, 120):
        said = lines(found, width)
        assert said[:4] == [
            "audit by math-verify        rows  share",
            "agree                          1  16.7%",
            "ours correct, theirs wrong     5  83.3%",
            "in all                         6",
        ]
        assert said[5] == "ours correct, theirs wrong: 5 (boxed 5)"
        assert len(said) == 9
        assert all(len(line) <= width for line in said)
    assert said[7].startswith("     0  boxed  \\frac{1}{2} \\frac{1}{2}")
    assert said[7].endswith("…  y + 1")


def test_without_examples_the_counts_stay():
    found = Audit(examples=0)
    found.add(Compared(graded("5", "6", True), "ours correct, theirs wrong", "5"))
    assert lines(found, 80)[-1] == "ours correct, theirs wrong: 1 (boxed 1)"


def test_math_verify_missing_is_one_line(monkeypatch):
    monkeypatch.setattr(audit, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"install it with: pip install 'reason-w2s\[audit\]'"):
        audit.require_second()


@pytest.mark.slow
@needs_math_verify
def test_opinions_come_from_killable_workers(monkeypatch):
    monkeypatch.setattr(audit, "OPINION_SECONDS", 5.0)
    hostile = "\\boxed{9^{9^{9^{9}}}}"
    rows = [
        graded("so \\boxed{\\frac{1}{2}}", "0.5", True),
        graded("so \\boxed{3}", "0.5", True),
        graded("She pays $5 and $6, in all $11.", "11", True),
        graded(hostile, "5", True),
        graded("so \\boxed{x}", ["y", "x"], True),
        graded("nothing", "x", True),
        graded(None, None, False, "no_answer"),
        graded("__import__('os').system('exit')", "5", False),
    ]
    found = [one.group for one in compare(rows, workers=2)]
    assert found == [
        "agree",
        "ours correct, theirs wrong",
        "agree",
        found[3],
        "agree",
        "theirs no opinion",
        "theirs no opinion",
        "theirs no opinion",
    ]
    assert found[3] in ("theirs gave up", "theirs no opinion", "ours correct, theirs wrong")


@needs_math_verify
def test_the_command_shows_both(tmp_path, capsys):
    file = tmp_path / "in.jsonl"
    rows = [{"response": "\\boxed{0.5}", "gold": "1/2"}, {"response": "so 3", "gold": "1/2"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    parts = command.run(file, Columns(), Comparing(workers=1), None, command.Auditing(rows=0))
    graded, audited = parts
    assert graded[1].split() == ["correct", "1", "50.0%"]
    assert audited[1].split() == ["audit", "by", "math-verify", "rows", "share"]
    assert "audited  2 rows in" in capsys.readouterr().err
