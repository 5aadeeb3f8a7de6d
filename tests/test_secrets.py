"""Tokens of the environment and in addresses reach nothing that is written, printed or started."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reason_w2s.redaction import HIDDEN, in_address, keep_secret, redacted
from tests.engines.endpoint_stub import Stub, answer, error, serving
from tests.runs.small import RECIPE, main, project

SECRETS = {
    "OPENAI_API_KEY": "sk-marked-openai-0123456789",
    "HF_TOKEN": "hf_markedHubToken0123456789",
    "WANDB_API_KEY": "marked0wandb1key2of3forty4characters5678",
    "MY_TOKEN": "marked-of-the-profile-0123",
}
LOGIN = "marked-password-in-an-address"
MARKED = (*SECRETS.values(), LOGIN)
PROFILE = f"""\
isolate: kind
sampler: fake
engine: {{server: {{retries: 0, backoff_s: 0.01}}}}
environment: {{MY_TOKEN: {SECRETS["MY_TOKEN"]}}}
slurm: {{time: "1:00:00", cpus: 1, memory_gib: 4}}
"""
MEASURED = RECIPE + "evaluate: {suites: [suite.yaml], models: {weak: weak}}\n"


def leaks(text: str) -> list[str]:
    return [secret for secret in MARKED if secret in text]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("http://me:pass@host/v1", f"http://{HIDDEN}@host/v1"),
        ("https://token@host/x?y=1", f"https://{HIDDEN}@host/x?y=1"),
        ("https://h/v1?key=abc&n=1", f"https://h/v1?key={HIDDEN}&n=1"),
        ("https://h/v1?n=1&api_key=abc", f"https://h/v1?n=1&api_key={HIDDEN}"),
        ("https://h/?X-Amz-Signature=abc", f"https://h/?X-Amz-Signature={HIDDEN}"),
        ("https://h/?access_token=a#b", f"https://h/?access_token={HIDDEN}#b"),
        ("mail me@host, see https://h/a?page=2", None),
        ("a key=value of a line, keys=2", None),
        ("max_tokens=64 and 3 @ 4 = 12", None),
    ],
)
def test_what_addresses_hold(text, meant):
    assert redacted(text) == (text if meant is None else meant)
    assert in_address(text) == (meant is not None)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("OPENAI_API_KEY", "sk-0123456789", True),
        ("HF_TOKEN", "hf_0123456789", True),
        ("AWS_SECRET_ACCESS_KEY", "abc/def+0123", True),
        ("db_password", "0123456789", True),
        ("OPENAI_API_KEY", "EMPTY", False),
        ("TOKENIZERS_PARALLELISM", "false-false", False),
        ("MONKEY", "0123456789", False),
        ("HF_TOKEN_PATH", "somewhere-else", False),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/keys/mine.json", False),
    ],
)
def test_which_variables_hold_secrets(name, value, kept, monkeypatch):
    monkeypatch.setenv(name, value)
    assert redacted(f"<{value}>") == (f"<{HIDDEN}>" if kept else f"<{value}>")


def test_a_secret_that_is_another_s_beginning_leaves_no_rest(monkeypatch):
    monkeypatch.setenv("A_KEY", "0123456789")
    monkeypatch.setenv("B_KEY", "0123456789abcdef")
    assert redacted("0123456789abcdef") == HIDDEN
    keep_secret("told-by-somebody")
    assert redacted("told-by-somebody") == HIDDEN


def everything(folder: Path) -> str:
    """All that lies in a folder, names too, Parquet as rows."""
    import pyarrow.parquet as pq

    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            shown = str(pq.read_table(path).to_pylist()) if path.suffix == ".parquet" else ""
            found.append(f"{path}\n{path.read_bytes().decode('utf-8', 'replace')}\n{shown}")
    return "\n".join(found)


def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The command lines of all processes that are started from here on."""
    seen: list[Any] = []
    real = subprocess.Popen.__init__

    def init(self: Any, args: Any, *more: Any, **named: Any) -> None:
        seen.append(args)
        real(self, args, *more, **named)

    monkeypatch.setattr(subprocess.Popen, "__init__", init)
    return seen


def flow(url: str) -> list[list[str]]:
    served = ["models.weak.path=" + url, "steps.drawn.sample.sampling.n=2"]
    at, profile = f"http://me:{LOGIN}@127.0.0.1:9/v1", ["--on", "p.yaml"]
    return [
        ["run", "small.yaml", *profile],
        ["run", "small.yaml", *profile, "--engine", "hf", "--name", "served", *served],
        ["eval", url, "--suite", "suite.yaml", "--prompt", "qa", *profile, "--engine", "hf"],
        ["eval", at, "--suite", "suite.yaml", "--prompt", "qa", *profile, "--engine", "hf"],
        ["run", "small.yaml", *profile, f"models.weak.path={at}"],
        ["run", "small.yaml", *profile, f"models.weak.path={url}?key={LOGIN}"],
        ["run", "small.yaml", *profile, f"models.weak.path=ftp://x?token={LOGIN}"],
        ["run", "small.yaml", "--on", "broken.yaml"],
        ["plan", "small.yaml", *profile, "--json"],
        ["doctor", "small.yaml", *profile],
        ["submit", "small.yaml", *profile, "--name", "jobs", "--dry-run"],
        ["report", "runs/small"],
        ["show", "runs/served", "drawn"],
        ["export", "runs/small", "pairs"],
    ]


def test_a_flow_leaves_no_secret_anywhere(tmp_path, monkeypatch, capsys):
    project(tmp_path, MEASURED)
    profiles = tmp_path / "p.yaml", tmp_path / "broken.yaml"
    profiles[0].write_text(PROFILE)
    profiles[1].write_text(f"environment: {{HF_TOKEN: [{SECRETS['HF_TOKEN']}]}}\n")
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "WANDB_API_KEY"):
        monkeypatch.setenv(name, SECRETS[name])
    told = " ".join(SECRETS.values())
    stub = Stub(reply=lambda body, number: error(400, told) if number % 3 == 1 else answer())
    said, commands = "", started(monkeypatch)
    with serving(stub):
        for arguments in flow(stub.url):
            code, out, err = main(arguments, monkeypatch, capsys)
            said += f"{arguments[0]} {code}\n{out}{err}"
            stub.models = stub.models if len(stub.asked) < 30 else error(401, told)
    assert {key for _, _, key in stub.seen} == {f"Bearer {SECRETS['OPENAI_API_KEY']}"}
    assert leaks(said) == [], said
    for path in profiles:
        path.unlink()
    assert leaks(everything(tmp_path)) == []
    assert any("reason_w2s.runs.worker" in str(one) for one in commands)
    assert leaks(str(commands)) == []
    assert HIDDEN in said and HIDDEN in everything(tmp_path / "runs")


def test_the_check_above_would_see_one(tmp_path):
    (tmp_path / "a").write_text(f"x{LOGIN}x")
    assert leaks(everything(tmp_path)) == [LOGIN]
    assert os.environ.get("HF_TOKEN") != SECRETS["HF_TOKEN"]
