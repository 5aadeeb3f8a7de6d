"""Bad input ends in one line that says where, what came and what to do, and nothing is lost.

Mistakes inside a recipe's text have a table of their own (recipe/test_mistakes.py), as have those
of the command line (recipe/test_mistakes_around.py); here are files, models, endpoints and places.
"""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reason_w2s.errors import DataError
from reason_w2s.problems import files
from tests.engines import shells
from tests.engines.endpoint_stub import Reply, Stub, error, serving
from tests.runs.small import RECIPE, SUITE, command, main, one_line, project, run, snapshot

Given = Callable[[Path], Any]
RUN = ["run", "small.yaml", "--on", "fake.yaml"]
PLAN = ["plan", "small.yaml", "--on", "fake.yaml"]
HF = ["run", "small.yaml", "--engine", "hf", "models.weak.path=./model"]
UNASKED = ["run", "small.yaml", "--engine", "hf", "models.weak={path: ./model, prompt: null}"]
EVAL = ["eval", "nobody/weak", "--suite", "suite.yaml", "--prompt", "qa", "--on", "fake.yaml"]
AT = ["run", "small.yaml", "--on", "served.yaml", "models.weak.path={url}"]
SERVED = (
    "{isolate: none, sampler: hf, engine: {server: {retries: 1, backoff_s: 0.01, timeout_s: 0.3}}}"
)
PROBLEM = {"id": "1", "question": "a?", "answer": "1"}
MEASURED = RECIPE + "evaluate: {suites: [suite.yaml], models: {weak: weak}}\n"
IMPORTS = RECIPE + "  human: {import: {of: train, file: texts.jsonl, model: person}}\n"


class Case(NamedTuple):
    """given: puts it into the project. command: `{url}` is the stub's. said: what the line must
    hold, in any order: the place, what came, what to do."""

    given: Given | None
    command: list[str]
    code: int
    said: list[str]
    stub: Stub | None = None


def file(name: str, content: str | bytes) -> Given:
    def put(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return put


def rows(*records: Any) -> str:
    return "".join(json.dumps(one) + "\n" for one in records)


def data(content: str | bytes) -> Given:
    return file("data.jsonl", content)


def recipe(old: str, new: str) -> Given:
    assert old in RECIPE
    return file("small.yaml", RECIPE.replace(old, new, 1))


def other_data(name: str, content: str | bytes) -> Given:
    return together(file(name, content), recipe("data.jsonl", name))


def parquet(name: str, records: list[dict[str, Any]]) -> Given:
    return lambda folder: pq.write_table(pa.Table.from_pylist(records), folder / name)


def cut(name: str, size: int) -> Given:
    return lambda folder: file(name, (folder / name).read_bytes()[:size])(folder)


def gone(name: str) -> Given:
    return lambda folder: (folder / name).unlink()


def together(*all_given: Given) -> Given:
    return lambda folder: [given(folder) for given in all_given]


def model(**more: str) -> Given:
    return lambda folder: shells.model(folder / "model", **{"tokenizer.json": "{}", **more})


def adapter(folder: Path) -> None:
    shells.adapter(folder / "model", folder / "base")


def done(folder: Path) -> None:
    run(folder / "small.yaml", name="small")


def imported(content: str) -> Given:
    return together(file("small.yaml", IMPORTS), file("texts.jsonl", content))


def suite(text: str) -> Given:
    return together(file("small.yaml", MEASURED), file("suite.yaml", text))


ALIASES = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
ZIPPED = gzip.compress(
    rows(*({**PROBLEM, "id": n, "question": f"{n}?"} for n in range(400))).encode()
)
CASES: dict[str, Case] = {
    # YAML
    "recipe in UTF-16": Case(
        file("small.yaml", RECIPE.encode("utf-16")), RUN, 2, ["small.yaml", "byte 0", "as UTF-8"]
    ),
    "recipe in Latin-1": Case(
        file("small.yaml", b"# caf\xe9\n" + RECIPE.encode()), RUN, 2, ["small.yaml", "as UTF-8"]
    ),
    "recipe with a zero byte": Case(
        recipe("small", "sm\0all"), RUN, 2, ["small.yaml", "#x0000", "position 31"]
    ),
    "recipe that is gzip": Case(
        file("small.yaml", gzip.compress(b"name: x")), RUN, 2, ["small.yaml", "not text in UTF-8"]
    ),
    "recipe that is a folder": Case(None, ["run", "."], 2, ["a folder; expected a YAML file"]),
    "recipe that is data": Case(
        lambda folder: (folder / "small.yaml").write_bytes(b"#" * 2**23),
        RUN,
        2,
        ["small.yaml: 8,388,608 bytes", "at most 4,194,304"],
    ),
    "tab in a recipe": Case(
        file("small.yaml", "name: small\nsteps:\n\tdrawn: {}\n"), RUN, 2, ["small.yaml:3", "\\t"]
    ),
    "tag of Python": Case(
        file("small.yaml", "name: !!python/object/apply:os.system [touch pwned]\nsteps: {}\n"),
        RUN,
        2,
        ["small.yaml:1: the tag !!python/object/apply:os.system", "plain data; remove the tag"],
    ),
    "tag in a profile": Case(
        file("p.yaml", "sampler: !!python/name:os.system\n"),
        ["run", "small.yaml", "--on", "p.yaml"],
        2,
        ["p.yaml:1: the tag !!python/name:os.system", "remove"],
    ),
    "aliases that multiply": Case(
        file("small.yaml", ALIASES), RUN, 2, ["small.yaml", "100,000 values", "aliases", "fewer"]
    ),
    "alias of itself": Case(
        file("small.yaml", "a: &a {b: *a}\n" + RECIPE), RUN, 2, ["small.yaml", "deeper than 40"]
    ),
    "alias of nothing": Case(
        file("small.yaml", "seed: *no\n" + RECIPE), RUN, 2, ["small.yaml:1", "undefined alias 'no'"]
    ),
    "deep lists": Case(
        file("small.yaml", "name: " + "[" * 500 + "]" * 500), RUN, 2, ["small.yaml", "deeper than"]
    ),
    "deep override": Case(None, [*RUN, f"seed={'[' * 99}{']' * 99}"], 2, ["deeper than 40"]),
    "name that is a number": Case(
        recipe("  drawn:", "  1:"), RUN, 2, ["small.yaml: steps", "the key 1", "in quotes"]
    ),
    "name that is a list": Case(
        recipe("  drawn:", "  ? [a, b]\n  :"), RUN, 2, ["steps", "('a', 'b')", "in quotes"]
    ),
    "number of six thousand digits": Case(
        file("small.yaml", f"seed: {'9' * 6000}\n" + RECIPE), RUN, 2, ["small.yaml", "a number"]
    ),
    "seed without end": Case(
        file("small.yaml", "seed: .inf\n" + RECIPE), RUN, 2, ["small.yaml: seed", "finite", "inf"]
    ),
    "dtype that no model has": Case(
        recipe("prompt: qa", "prompt: qa, dtype: int8"),
        RUN,
        2,
        ["models.weak.dtype", "'float32', 'bfloat16' or 'float16'", "'int8'"],
    ),
    "name of six hundred letters": Case(
        recipe("name: small", f"name: {'s' * 600}"), RUN, 2, ["small.yaml: name", "at most 120"]
    ),
    # overlays, suites, profiles
    "overlay without content": Case(
        file("o.yaml", "# nothing\n"), [*RUN, "--with", "o.yaml"], 2, ["o.yaml", "got nothing"]
    ),
    "overlay of a step that is not": Case(
        file("o.yaml", "steps: {grded: {check: {kind: latex}}}"),
        [*RUN, "--with", "o.yaml"],
        2,
        ["o.yaml: steps.grded", "no step of this name", "'graded'?"],
    ),
    "overlay for a stage that is not": Case(
        file("o.yaml", "every: [{where: {stage: chek}, set: {kind: latex}}]"),
        [*RUN, "--with", "o.yaml"],
        2,
        ["o.yaml: every[0].where.stage", "'chek'", "'check'?"],
    ),
    "overlay that sets a list": Case(
        file("o.yaml", "every: [{where: {stage: check}, set: [1]}]"),
        [*RUN, "--with", "o.yaml"],
        2,
        ["o.yaml: every[0].set", "a mapping", "[1]"],
    ),
    "overlay with steps in a list": Case(
        file("o.yaml", "steps: [1]"), [*RUN, "--with", "o.yaml"], 2, ["o.yaml: steps", "[1]"]
    ),
    "suite without content": Case(suite(""), RUN, 2, ["suite.yaml", "got nothing"]),
    "suite without problems": Case(
        suite("sampling: {max_tokens: 64}\n"),
        RUN,
        2,
        ["small.yaml: suites.suite.problems", "required"],
    ),
    "suite that takes none": Case(
        suite(SUITE.replace("take: 5", "take: 0")),
        RUN,
        2,
        ["suites.suite.problems", "take: 0", "1 or"],
    ),
    "suite of nothing left": Case(
        suite(SUITE.replace("take: 5", "where: {level: 99}")),
        RUN,
        2,
        ["suites.suite.problems", "data.jsonl: it has 12", "leave none"],
    ),
    "profile that is a list": Case(
        file("p.yaml", "[1]"), ["run", "small.yaml", "--on", "p.yaml"], 2, ["p.yaml", "a mapping"]
    ),
    "profile with numbers in its environment": Case(
        file("p.yaml", "environment: {A: [1]}"),
        ["run", "small.yaml", "--on", "p.yaml"],
        2,
        ["p.yaml: environment.A", "valid string"],
    ),
    "recipe for a profile": Case(
        None, ["run", "small.yaml", "--on", "small.yaml"], 2, ["unknown key 'name'", "isolate"]
    ),
    "profile for a recipe": Case(None, ["run", "fake.yaml"], 2, ["'isolate'", "in a profile"]),
    # problem files
    "no file": Case(gone("data.jsonl"), RUN, 2, ["problems.train", "data.jsonl: no such file"]),
    "no question": Case(
        data(rows({"id": 1, "prompt": "x", "answer": 2})),
        RUN,
        2,
        ["data.jsonl:1", "'question'", "prompt", "columns.question"],
    ),
    "no gold": Case(
        data(rows({"question": "x", "reply": 2})),
        RUN,
        2,
        ["data.jsonl:1", "'answer'", "question, reply"],
    ),
    "null gold": Case(
        data(rows(PROBLEM, {**PROBLEM, "answer": None})),
        RUN,
        2,
        ["data.jsonl:2", "'answer' is missing or null", "labels: none"],
    ),
    "cut line": Case(
        data('{"question": "a"'),
        RUN,
        2,
        ["data.jsonl:1", "not JSON", "character 17", '{"question"'],
    ),
    "Latin-1": Case(
        data(rows(PROBLEM).encode() + '{"question": "café"}'.encode("latin-1")),
        RUN,
        2,
        ["data.jsonl:2", "not UTF-8", "byte 18", "0xe9", "iconv -f LATIN1"],
    ),
    "UTF-16": Case(
        data(rows(PROBLEM).encode("utf-16")), RUN, 2, ["data.jsonl:1", "UTF-16", "iconv -f UTF-16"]
    ),
    "UTF-16 without a mark": Case(
        data(rows(PROBLEM).encode("utf-16-le")), RUN, 2, ["data.jsonl:1", "zero bytes", "UTF-16?"]
    ),
    "zero bytes": Case(
        data(rows(PROBLEM) + "\0\0\0\n"), RUN, 2, ["data.jsonl:2", "zero bytes", "cut off"]
    ),
    "a list for a row": Case(
        data("[1]"), RUN, 2, ["data.jsonl:1", "a JSON object, got list", "jq -c"]
    ),
    "null for a row": Case(data(rows(PROBLEM, None)), RUN, 2, ["data.jsonl:2", "got null"]),
    "deep row": Case(
        data('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"), RUN, 2, ["data.jsonl:1", "too deep"]
    ),
    "number without end in a row": Case(
        data('{"a": ' + "9" * 6000 + "}"), RUN, 2, ["data.jsonl:1", "thousands of digits"]
    ),
    "gold that is an object": Case(
        data(rows({**PROBLEM, "answer": {"value": 1}})),
        RUN,
        2,
        ["data.jsonl:1", "'answer'", "text, a number or a list", "{'value': 1}"],
    ),
    "gold that is not a number": Case(
        data(rows({**PROBLEM, "answer": float("nan")})), RUN, 2, ["data.jsonl:1", "'answer'", "nan"]
    ),
    "id that is an object": Case(
        data(rows({**PROBLEM, "id": {"a": 1}})),
        RUN,
        2,
        ["data.jsonl:1", "'id'", "text or a number"],
    ),
    "twins": Case(
        data(rows(PROBLEM, PROBLEM)), RUN, 2, ["problems.train", "share the id '1'", "unique: true"]
    ),
    "empty file": Case(data(""), RUN, 2, ["problems.train", "data.jsonl: it has 0", "leave none"]),
    "empty split": Case(
        recipe("file: data.jsonl", "file: data.jsonl, split: 'train[5:5]'"),
        RUN,
        2,
        ["problems.train", "it has 0 in its split", "leave none"],
    ),
    "part that is a number": Case(
        recipe("file: data.jsonl", "file: data.jsonl, part: 1"),
        RUN,
        2,
        ["problems.train.part", "expected k/n", "got 1"],
    ),
    "part of more than there are": Case(
        recipe("file: data.jsonl", "file: data.jsonl, part: 99/99"),
        RUN,
        2,
        ["problems.train", "it has 12", "part"],
    ),
    "CSV": Case(other_data("d.csv", "a,b\n"), RUN, 2, ["problems.train", "d.csv", ".jsonl.gz"]),
    "CSV by another name": Case(
        data("id,question\n1,a\n"), RUN, 2, ["data.jsonl:1", "not JSON", "'id,question'"]
    ),
    "JSON over several lines": Case(
        other_data("d.json", json.dumps([PROBLEM], indent=1)), RUN, 2, ["d.json:1", "jq -c"]
    ),
    "Parquet by another name": Case(
        parquet("data.jsonl", [PROBLEM]), RUN, 2, ["data.jsonl:1", "Parquet", "in .parquet"]
    ),
    "JSONL by another name": Case(
        other_data("d.parquet", rows(PROBLEM)), RUN, 2, ["d.parquet: not Parquet", "write or copy"]
    ),
    "Parquet that is cut": Case(
        together(
            recipe("data.jsonl", "d.parquet"), parquet("d.parquet", [PROBLEM]), cut("d.parquet", 90)
        ),
        RUN,
        2,
        ["d.parquet: not Parquet, or not all of it", "copy it again"],
    ),
    "Parquet without the column": Case(
        together(recipe("data.jsonl", "d.parquet"), parquet("d.parquet", [{"prompt": "x"}])),
        RUN,
        2,
        ["d.parquet:1", "'question'", "prompt", "columns.question"],
    ),
    "gzip that is cut": Case(
        other_data("d.jsonl.gz", ZIPPED[:-40]), RUN, 2, ["d.jsonl.gz:", "gzip", "copy it again"]
    ),
    "gzip of other bytes": Case(
        other_data("d.jsonl.gz", ZIPPED[:-8] + b"12345678"), RUN, 2, ["d.jsonl.gz:401", "CRC"]
    ),
    "gzip that is none": Case(
        other_data("d.jsonl.gz", rows(PROBLEM)), RUN, 2, ["d.jsonl.gz:1", "take .gz off"]
    ),
    "gzip by another name": Case(data(ZIPPED), RUN, 2, ["data.jsonl:1", "gzip", "in .gz"]),
    "folder for a file": Case(
        recipe("data.jsonl", "sub"),
        ["run", "small.yaml"],
        2,
        ["problems.train", "sub: no such file"],
    ),
    "file for a folder": Case(
        recipe("data.jsonl", "data.jsonl/x.jsonl"), RUN, 2, ["data.jsonl/x.jsonl: no such file"]
    ),
    "set with a script": Case(
        together(
            file("set/set.py", "open('pwned', 'w')"),
            recipe("source: jsonl, file: data.jsonl", "source: hub, path: ./set"),
        ),
        RUN,
        2,
        ["problems.train", "set", "scripts are no longer supported", "file: train.jsonl"],
    ),
    "set that is a builder": Case(
        recipe("source: jsonl, file: data.jsonl", "source: hub, path: pandas"),
        RUN,
        2,
        ["problems.train.path", "OWNER/NAME", "'pandas'"],
    ),
    # responses
    "no responses": Case(
        file("small.yaml", IMPORTS), RUN, 2, ["steps.human.import", "no such file"]
    ),
    "responses without ids": Case(
        imported(rows({"response": "x"})),
        RUN,
        2,
        ["texts.jsonl:1", "no column 'id'", "import.columns"],
    ),
    "responses with null ids": Case(
        imported(rows({"id": None, "response": "x"})),
        RUN,
        2,
        ["texts.jsonl", "names no problem (1)"],
    ),
    "responses to other problems": Case(
        imported(rows({"id": "zz", "response": "x"})),
        RUN,
        2,
        ["texts.jsonl", "not in the set (1)", "import.columns.id"],
    ),
    "response that is an object": Case(
        imported(rows({"id": "p1", "response": {"text": "x"}})),
        RUN,
        2,
        ["texts.jsonl:1", "'response'", "got an object", "response.KEY"],
    ),
    "graded over its own file": Case(
        None,
        ["check", "data.jsonl", "--out", "data.jsonl"],
        2,
        ["--out", "is the file that is read"],
    ),
    "graded into a path through a file": Case(
        file("r.jsonl", rows({"response": "1", "gold": "1"})),
        ["check", "r.jsonl", "--out", "r.jsonl/v.jsonl"],
        2,
        ["r.jsonl: is there already, and is no folder"],
    ),
    "nothing to grade": Case(file("r.jsonl", "\n"), ["check", "r.jsonl"], 2, ["r.jsonl: no rows"]),
    # models
    "model without a tokenizer": Case(
        together(model(), gone("model/tokenizer.json")),
        HF,
        2,
        ["models.weak.path", "model: there is no tokenizer", "copy"],
    ),
    "model without a config": Case(
        together(model(), gone("model/config.json")),
        HF,
        2,
        ["no config.json", "copy the config.json"],
    ),
    "model without weights": Case(
        together(model(), gone("model/model.safetensors")),
        HF,
        2,
        ["no weights", "saved completely?"],
    ),
    "model of pickles": Case(
        together(model(**{"pytorch_model.bin": "x"}), gone("model/model.safetensors")),
        HF,
        2,
        ["model: no weights in safetensors, but pytorch_model.bin", "run anything", "revision"],
    ),
    "model that is cut": Case(
        together(model(), cut("model/model.safetensors", 10)), HF, 2, ["cut off (it has 10 bytes)"]
    ),
    "config that is cut": Case(
        model(**{"config.json": '{"a'}), HF, 2, ["config.json is no JSON object", "fetch the model"]
    ),
    "prompt that is a list": Case(
        model(**{"reason_w2s.json": "[1]"}),
        UNASKED,
        2,
        ["reason_w2s.json", "holds no prompt", "delete"],
    ),
    "adapter without a base": Case(adapter, HF, 2, ["base: there is no such folder", "model/base"]),
    "file for a model": Case(file("model", "x"), HF, 2, ["model: a file; expected the folder"]),
    "empty path of a model": Case(
        recipe("path: nobody/weak", "path: ''"), RUN, 2, ["models.weak", "path: is empty"]
    ),
    "checkpoint that is a run": Case(
        done,
        ["eval", "runs/small", *EVAL[2:4], "--engine", "hf"],
        2,
        ["a run's folder", "show runs/small"],
    ),
    "checkpoint that is none": Case(
        None, ["eval", ".", *EVAL[2:6], "--engine", "hf"], 2, ["no config.json", "found data.jsonl"]
    ),
    # endpoints
    "endpoint that answers garbage": Case(
        None,
        AT,
        3,
        ["models.weak", "{url}", "answered with no JSON: '<html>'", "same command goes on"],
        Stub(models=Reply(body=b"<html>")),
    ),
    "endpoint that stalls": Case(
        None,
        AT,
        3,
        ["steps.drawn.sample", "{url}", "no answer in 0.3 s", "same command goes on"],
        Stub(reply=lambda body, number: Reply(delay_s=0.6)),
    ),
    "endpoint that says 429 for ever": Case(
        None,
        AT,
        3,
        ["steps.drawn.sample", "{url}", "429: slow down", "same command goes on"],
        Stub(reply=lambda body, number: error(429, "slow down")),
    ),
    "endpoint without choices": Case(
        None,
        AT,
        3,
        ["steps.drawn.sample", "{url}", "without what was asked for"],
        Stub(reply=lambda body, number: Reply(body={"choices": []})),
    ),
    "endpoint that hangs up": Case(
        None,
        AT,
        3,
        ["steps.drawn.sample", "{url}"],
        Stub(reply=lambda body, number: Reply(drop=True)),
    ),
    "endpoint without a key": Case(
        None,
        AT,
        2,
        ["models.weak", "{url}: not authorised", "OPENAI_API_KEY"],
        Stub(models=error(401, "no")),
    ),
    "endpoint that speaks terminal": Case(
        None,
        AT,
        2,
        ["refuses", "\\u001b]52;c;aGk=\\u0007"],
        Stub(first=lambda body: error(400, "\x1b]52;c;aGk=\x07")),
    ),
    "address of another kind": Case(
        recipe("path: nobody/weak", "path: 'ftp://x/v1'"),
        RUN,
        2,
        ["models.weak", "http:// or https://"],
    ),
    # what came of runs
    "pairs as sft": Case(
        done,
        ["export", "runs/small", "pairs", "--format", "sft"],
        2,
        ["pairs have no format 'sft'", "dpo"],
    ),
    "export over something else": Case(
        together(done, file("out/mine.txt", "1")),
        ["export", "runs/small", "pairs", "--out", "out"],
        2,
        ["out: is there already and no earlier export", "--out"],
    ),
    "export through a file": Case(
        done,
        ["export", "runs/small", "pairs", "--out", "data.jsonl/x"],
        2,
        ["data.jsonl", "is a file"],
    ),
    "report of no run": Case(
        None, ["report", "runs/none"], 2, ["runs/none: no run here", "runs/NAME"]
    ),
    "report of a list": Case(
        together(done, file("runs/small/manifest.json", "[]")),
        ["report", "runs/small"],
        4,
        ["runs/small/manifest.json", "no manifest of this version", "run the recipe again"],
    ),
    "report of a damaged manifest": Case(
        together(done, file("runs/small/manifest.json", "{")),
        ["report", "runs/small"],
        4,
        ["runs/small/manifest.json: damaged", "makes it again"],
    ),
    "report of a recipe with a tag": Case(
        together(done, file("runs/small/recipe.yaml", "name: !!python/name:os.system\n")),
        ["report", "runs/small"],
        2,
        ["runs/small/recipe.yaml:1: the tag !!python/name:os.system"],
    ),
    "report against no baseline": Case(
        together(done, file("b.json", "{}")),
        ["report", "runs/small", "--against", "b.json"],
        2,
        ["b.json: command", "required"],
    ),
    "comparison of a word": Case(
        file("a.jsonl", rows({"problem_id": 1, "correct": "maybe"})),
        ["eval", "compare", "a.jsonl", "a.jsonl"],
        2,
        ["a.jsonl:1", "'maybe'", "expected true, false"],
    ),
    # places
    "runs below a file": Case(None, [*RUN, "--runs", "data.jsonl"], 2, ["data.jsonl", "is a file"]),
    "runs where none can be": Case(None, [*RUN, "--runs", "/proc/none"], 2, ["/proc/none"]),
    "run that is a file": Case(file("runs/small", "x"), RUN, 2, ["runs/small", "is no folder"]),
    "store that is a file": Case(
        file("runs/store", "x"), RUN, 2, ["problems.train", "runs/store/problems", "is a file"]
    ),
    "run with a name that leads out": Case(None, [*RUN, "--name", "../up"], 2, ["--name '../up'"]),
    "run with a zero byte": Case(
        None, [*RUN, "--name", "a\0b"], 2, ["--name 'a\\x00b'", "letters"]
    ),
    "run of bytes": Case(None, [*RUN, "--name", "a\udce9"], 2, ["--name 'a\\udce9'", "letters"]),
    "recipe of bytes": Case(None, ["run", "caf\udce9.yaml"], 2, ["caf\\udce9.yaml: no such file"]),
    "override of bytes": Case(None, [*RUN, "seed=\udce9"], 2, ["'\\udce9' is not YAML"]),
    "option that is none": Case(None, [*RUN, "--sed", "1"], 2, ["No such option: --sed", "--help"]),
    "command that is none": Case(None, ["rnu"], 2, ["'rnu'", "'run'?", "--help"]),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_one_line(name, tmp_path, monkeypatch, capsys):
    case = CASES[name]
    project(tmp_path)
    (tmp_path / "served.yaml").write_text(SERVED)
    if case.given is not None:
        case.given(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    before = snapshot(tmp_path)
    with serving(case.stub) if case.stub is not None else nullcontext():
        url = case.stub.url if case.stub is not None else ""
        arguments = [part.replace("{url}", url) for part in case.command]
        code, out, err = main(arguments, monkeypatch, capsys)
    line = one_line(err)
    assert code == case.code, err
    for part in case.said:
        assert part.replace("{url}", url) in line, line
    assert not {*"\x1b\x07\0\x9b"} & {*out, *err}
    after = snapshot(tmp_path)
    assert {name: after.get(name) for name in before} == before, "something was lost or changed"
    assert not (tmp_path / "pwned").exists()


def test_a_byte_order_mark_is_no_mistake(tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    for one in (path, tmp_path / "data.jsonl"):
        one.write_bytes(b"\xef\xbb\xbf" + one.read_bytes())
    monkeypatch.chdir(tmp_path)
    code, _, err = main(RUN, monkeypatch, capsys)
    assert code == 0, err


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_line_of_100_mb_is_named_and_not_read(tmp_path, ending, monkeypatch, capsys):
    project(tmp_path)
    path = tmp_path / f"long.jsonl{ending}"
    opener = gzip.open if ending else open
    with opener(path, "wb", **({"compresslevel": 1} if ending else {})) as stream:
        stream.write(rows(PROBLEM).encode() + b'{"id": "2", "question": "')
        for _ in range(100):
            stream.write(b"x" * 10**6)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"long\.jsonl.*:2: a line of 33,554,432 bytes or more"):
            list(files.read(path))
        assert tracemalloc.get_traced_memory()[1] < 80 * 10**6
    finally:
        tracemalloc.stop()
    monkeypatch.chdir(tmp_path)
    arguments = [*RUN, f"problems.train.file={path.name}"]
    code, _, err = main(arguments, monkeypatch, capsys)
    assert code == 2
    assert f"problems.train: {path}:2: a line of 33,554,432 bytes" in one_line(err)
    with pytest.raises(DataError, match=":2: a line of"):
        files.count(path)


def test_the_same_lines_from_a_process(tmp_path):
    """What the table sees in process is what a shell sees, where streams and bytes are real."""
    project(tmp_path)
    arguments: list[Any] = [*RUN, "--name", b"a\xe9\x1b[31m"]
    code, out, err = command(arguments, tmp_path, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert code == 2
    assert "--name 'a\\udce9\\x1b[31m'" in one_line(err)
    assert out == ""
