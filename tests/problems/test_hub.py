"""The hub: real `datasets` on folders and caches, and a hub that answers or does not."""

from __future__ import annotations

import json
import sys
import time
from types import SimpleNamespace

import pytest

from reason_w2s.errors import DataError, MissingExtra
from reason_w2s.problems import hub
from reason_w2s.problems.load import identity, load
from reason_w2s.problems.spec import ProblemSpec

ROWS = [
    {
        "problem": f"{n} + 1?",
        "level": f"Level {n}",
        "type": "Algebra",
        "solution": rf"\boxed{{{n}}}",
    }
    for n in range(1, 6)
]


@pytest.fixture(autouse=True)
def asked_anew(tmp_path, monkeypatch):
    """Nothing remembered, nothing cached, nothing left behind."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    hub.ask.cache_clear()
    yield
    hub.ask.cache_clear()


def folder(tmp_path, rows=ROWS, split="train"):
    path = tmp_path / "set"
    path.mkdir(exist_ok=True)
    (path / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return path


def answering(monkeypatch, answer):
    """A hub whose `dataset_info` is `answer(path, revision)`."""

    class Api:
        def dataset_info(self, path, *, revision, timeout):
            assert timeout <= 10
            return answer(path, revision)

    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)


def loading(monkeypatch, rows):
    """A `load_dataset` that gives `rows` and remembers what it was asked."""
    import datasets

    asked = []

    def load_dataset(path, name, **named):
        asked.append((path, name, named["split"], named["revision"]))
        return rows

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


@pytest.mark.torch
def test_a_folder_that_holds_a_set(tmp_path):
    spec = ProblemSpec(source="math", path=str(folder(tmp_path)), split="train[1:3]")
    found = load(spec, labels="gold", seed=0)
    assert [(one.id, one.gold, one.level) for one in found] == [
        ("math-train-1", "2", 2),
        ("math-train-2", "3", 3),
    ]


@pytest.mark.torch
def test_a_folders_content_is_its_identity(tmp_path):
    path = folder(tmp_path)
    spec = ProblemSpec(source="math", path=str(path))
    before = identity(spec, "gold", 0)
    assert identity(spec, "gold", 0) == before
    folder(tmp_path, ROWS[1:])
    assert identity(spec, "gold", 0) != before


def test_the_commit_is_asked_once_pinned_and_part_of_the_identity(monkeypatch):
    said = {None: "aaa", "v2": "bbb"}
    calls = []

    def answer(path, revision):
        calls.append(revision)
        return SimpleNamespace(sha=said[revision])

    answering(monkeypatch, answer)
    asked = loading(monkeypatch, ROWS)
    spec = ProblemSpec(
        source="hub", path="o/s", name="c", columns={"question": "problem"}, labels="none"
    )
    assert identity(spec, "none", 0)["revision"] == "aaa"
    assert len(load(spec, labels="none", seed=0)) == 5
    assert asked == [("o/s", "c", "train", "aaa")]
    newer = spec.model_copy(update={"revision": "v2"})
    assert identity(newer, "none", 0)["revision"] == "bbb"
    assert calls == [None, "v2"]


def test_math_reads_its_seven_subjects_in_turn(monkeypatch):
    answering(monkeypatch, lambda *_: SimpleNamespace(sha="c"))
    asked = loading(monkeypatch, ROWS)
    found = load(ProblemSpec(source="math", split="test[4:6]"), labels="gold", seed=0)
    assert [(path, split) for path, _, split, _ in asked] == [(hub.USUAL["math"], "test")] * 7
    assert len({name for _, name, _, _ in asked}) == 7
    assert [(one.id, one.gold) for one in found] == [("math-test-4", "5"), ("math-test-5", "1")]
    asked.clear()
    load(ProblemSpec(source="math", path="HuggingFaceH4/MATH-500"), labels="gold", seed=0)
    assert [name for _, name, _, _ in asked] == [None]


@pytest.mark.parametrize(
    ("settings", "file"),
    [
        (
            {"source": "gsm8k", "split": "test[:5]"},
            "file: test.jsonl.* with columns question and answer",
        ),
        ({"source": "math"}, "file: train.jsonl.* with columns problem, level, type and solution"),
        (
            {"source": "hub", "path": "o/s", "columns": {"question": "prompt", "gold": "target"}},
            "file: train.jsonl.* with columns prompt, target",
        ),
        ({"source": "hub", "path": "o/s"}, "file: train.jsonl.* with columns question, answer$"),
        (
            {"source": "hub", "path": "o/s", "columns": {"question": "prompt"}},
            "file: train.jsonl.* with columns prompt, answer$",
        ),
        (
            {"source": "hub", "path": "o/s", "columns": {"gold": ["final", "answer"]}},
            "file: train.jsonl.* with columns question, final or answer$",
        ),
        (
            {"source": "hub", "path": "o/s", "columns": {"question": "q"}, "labels": "none"},
            "file: train.jsonl.* with columns q$",
        ),
    ],
)
def test_without_a_network_one_quick_line_says_which_file_to_give(settings, file):
    started = time.monotonic()
    with pytest.raises(DataError, match=rf"from the hub: no network .*{file}") as error:
        load(ProblemSpec(**settings), labels="gold", seed=0)
    assert time.monotonic() - started < 10
    assert "\n" not in str(error.value)
    path = settings.get("path") or hub.USUAL[settings["source"]]
    assert str(error.value).startswith(path)


@pytest.mark.parametrize(
    ("raised", "said"),
    [("RepositoryNotFoundError", "no such set"), ("RevisionNotFoundError", "no revision 'v9'")],
)
def test_a_name_the_hub_does_not_know(raised, said, monkeypatch):
    import huggingface_hub

    def refuse(path, revision):
        error = getattr(huggingface_hub.errors, raised)
        raise error.__new__(error)

    answering(monkeypatch, refuse)
    with pytest.raises(DataError, match=rf"o/s \[dev\] could not .*{said}.*file: dev\.jsonl"):
        load(
            ProblemSpec(source="hub", path="o/s", revision="v9", split="dev"), labels="none", seed=0
        )


def test_a_configuration_or_split_that_is_not_there(tmp_path):
    spec = ProblemSpec(source="hub", path=str(folder(tmp_path)), split="validation")
    with pytest.raises(DataError, match=r"set \[validation\] could not .*file: validation\.jsonl"):
        load(spec, labels="none", seed=0)


def test_a_name_that_is_none():
    with pytest.raises(DataError, match="no name of a set"):
        load(ProblemSpec(source="hub", path="a b/c/d"), labels="none", seed=0)


def test_without_a_network_the_cached_commit_is_the_identity(monkeypatch, tmp_path):
    import huggingface_hub

    seen = tmp_path / "snapshots" / "abc123" / "README.md"
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: str(seen))
    assert hub.revision_of("o/s", None) == "abc123"


def test_what_was_neither_reached_nor_cached_is_known_as_it_was_asked():
    assert hub.revision_of("nobody/has-this-set", "v1") == "v1"
    assert hub.revision_of("nobody/has-this-set", None) is None


def cached(folder, commit):
    """What `datasets` leaves in its cache of o/s at a commit; its question is the commit."""
    import datasets
    from datasets.arrow_writer import ArrowWriter

    place = folder / "cache" / "o___s" / "default" / "0.0.0" / commit
    place.mkdir(parents=True)
    rows = datasets.Dataset.from_list([{"question": commit}])
    writer = ArrowWriter(path=str(place / "s-train.arrow"), features=rows.features)
    for row in rows:
        writer.write(row)
    count, size = writer.finalize()
    writer.close()
    split = {"name": "train", "num_bytes": size, "num_examples": count, "dataset_name": "s"}
    datasets.DatasetInfo(
        features=rows.features,
        builder_name="json",
        dataset_name="s",
        config_name="default",
        version="0.0.0",
        splits={"train": split},
    ).write_to_directory(str(place))


@pytest.mark.torch
def test_without_a_network_the_cache_is_used_but_never_another_revision(tmp_path):
    cached(tmp_path, "abc")
    spec = ProblemSpec(source="hub", path="o/s", labels="none")
    assert load(spec, labels="none", seed=0)[0].question == "abc"
    pinned = spec.model_copy(update={"revision": "abc"})
    assert load(pinned, labels="none", seed=0)[0].question == "abc"
    with pytest.raises(DataError, match=r"cache holds revision abc, not other.*file: train"):
        load(spec.model_copy(update={"revision": "other"}), labels="none", seed=0)


def test_datasets_is_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match="datasets is not installed"):
        load(ProblemSpec(source="gsm8k"), labels="gold", seed=0)
