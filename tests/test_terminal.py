"""What data say on a console is shown and never obeyed: escapes, overrides, rich's markup."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from rich.console import Console

from reason_w2s.report import console, sweep_console
from reason_w2s.runs.progress import RunProgress
from reason_w2s.visible import LONGEST_LINE, VisibleFormatter, one_line, visible
from tests.runs.small import RECIPE, main, project

ESCAPES = (
    "\x1b[31m\x1b]52;c;aGk=\x07\x1b]8;;http://x\x1b\\\x9b2J\x9d0;t\x9c\r\b\x7f\x00\u202e\u2066"
)
MARKUP = "[red]x[/red] [link=http://x]y[/link] [/]"
EVIL = f"{ESCAPES}{MARKUP}"
OBEYED = {*"\x1b\x07\x9b\x9d\x9c\r\b\x7f\x00\u202e\u2066"}


def harmless(text: str) -> bool:
    return not OBEYED & set(text)


def test_everything_a_terminal_obeys_is_spelled_out_and_the_rest_is_kept():
    assert visible("a\x1b[31mb\x9bc\u202ed\udce9") == "a\\u001b[31mb\\u009bc\\u202ed\\udce9"
    kept = "lines\n\ttabs ⏎ é 漢字 👩\u200d🔬 \u05e9\u05dc\u05d5\u05dd [red]"
    assert visible(kept) == kept
    for code in (*range(0x20), *range(0x7F, 0xA0)):
        assert (visible(chr(code)) == chr(code)) == (chr(code) in "\n\t")


def test_json_stays_json():
    shown = visible(json.dumps({"a": EVIL}, ensure_ascii=False))
    assert harmless(shown)
    assert json.loads(shown) == {"a": EVIL}


def test_an_error_is_a_line_of_bounded_length():
    line = one_line(f"a\nb\r\n{EVIL}\u2028c{'x' * 10**6}")
    assert harmless(line) and "\n" not in line and "\u2028" not in line
    assert len(line) < LONGEST_LINE + 1000
    assert "characters) ..." in line


def test_logs_are_spelled_out():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(VisibleFormatter("%(message)s"))
    log = logging.Logger("evil")
    log.addHandler(handler)
    try:
        raise ValueError(EVIL)
    except ValueError:
        log.exception("%s", EVIL)
    assert harmless(stream.getvalue())
    assert MARKUP in stream.getvalue()
    assert "Traceback" in stream.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_shows_names_as_they_are(terminal):
    stream = io.StringIO()
    place = Console(file=stream, force_terminal=terminal, width=300, color_system=None)
    with RunProgress(2, place) as progress:
        progress.begin(EVIL, "sample")
        progress.update(EVIL, 1, 2, EVIL)
        progress.bars.refresh()
        progress.end(EVIL, f"said {EVIL}")
    shown = stream.getvalue()
    assert MARKUP in shown
    # the display's own escapes move the cursor and hide it, and do nothing else
    assert not {"\x07", "\x9b", "\x9d", "\b", "\x00", "\u202e"} & set(shown)
    assert "\x1b]" not in shown and "\x1b[31m" not in shown
    assert terminal or harmless(shown)


@pytest.mark.parametrize("terminal", [False, True])
def test_tables_show_names_as_they_are(terminal, monkeypatch):
    class File(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    file = File()
    score = {"model": f"{EVIL}m", "suite": f"{EVIL}s", "n": 1, "labels": None, "accuracy": 0.5}
    found = {"name": EVIL, "scores": [score, {**score, "suite": "t"}], "warnings": [EVIL]}
    console.show(found, file)
    console.show({"name": EVIL}, file)
    shown = file.getvalue()
    assert not {"\x07", "\x9b", "\b", "\x00", "\u202e"} & set(shown)
    assert "\x1b]" not in shown and "\x1b[31m" not in shown
    assert "[red]x[/red]" in shown.replace("\n", "").replace(" ", "")
    assert sweep_console.shown(EVIL).plain == visible(EVIL)


HOSTILE = RECIPE + "  human: {import: {of: train, file: t.jsonl, columns: {model: who}}}\n"
COMMANDS: list[list[str]] = [
    ["run", "small.yaml", "--on", "fake.yaml"],
    ["status", "small.yaml", "--on", "fake.yaml"],
    ["plan", "small.yaml", "--on", "fake.yaml"],
    ["plan", "small.yaml", "--on", "fake.yaml", "--json"],
    ["doctor", "small.yaml", "--on", "fake.yaml"],
    ["doctor", "small.yaml", "--on", "fake.yaml", "--json"],
    ["show", "runs/small"],
    *(["show", "runs/small", step] for step in ("train", "graded", "pairs", "human")),
    ["show", "runs/small", "chosen", "--dropped", "-n", "99"],
    ["export", "runs/small", "human"],
    ["report", "runs/small"],
    ["eval", "compare", "rows.jsonl", "rows.jsonl"],
    ["eval", "compare", "rows.jsonl", "rows.jsonl", "--json"],
    ["check", "t.jsonl", "--gold", "who", "--audit", "--workers", "1"],
    ["run", "small.yaml", "--on", "fake.yaml", f"steps.{EVIL}.x=1".replace("\0", "")],
    ["show", "runs/small", EVIL.replace("\0", "")],
    ["prompts", EVIL.replace("\0", "")],
    [EVIL.replace("\0", "")],
    ["run", "small.yaml", f"--{EVIL}".replace("\0", "")],
]


def test_no_command_obeys_its_data(tmp_path, monkeypatch, capsys):
    project(tmp_path, HOSTILE)
    asked = {"id": EVIL, "question": EVIL, "answer": "3", "subject": EVIL, "solution": EVIL}
    twice = [asked, {**asked, "id": f"{EVIL}2", "question": f"{EVIL}2"}]
    said = [{"id": one["id"], "who": EVIL, "response": f"{EVIL}\n#### 3"} for one in twice]
    graded = [{"problem_id": one["id"], "correct": True} for one in twice]
    files: dict[str, list[dict[str, Any]]] = {
        "data.jsonl": twice, "t.jsonl": said, "rows.jsonl": graded,
    }  # fmt: skip
    for name, rows in files.items():
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    seen = ""
    for command in COMMANDS:
        code, out, err = main(command, monkeypatch, capsys)
        assert harmless(out + err), command
        assert "Traceback" not in err, command
        assert code in (0, 2), (command, err)
        seen += out + err
    assert "\\u001b[31m" in seen and MARKUP in seen
