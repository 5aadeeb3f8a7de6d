"""Folders that look like models and are not: each in one line that says what to give instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reason_w2s.engines import adapters, headers, model_folder, shards, whole
from reason_w2s.errors import ConfigError
from tests.engines import shells

Change = Callable[[Path], object]


def without(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def holding(name: str, data: bytes | str) -> Change:
    content = data.encode() if isinstance(data, str) else data
    return lambda folder: (folder / name).write_bytes(content)


def renamed(one: str, other: str) -> Change:
    return lambda folder: (folder / one).rename(folder / other)


def several(*changes: Change) -> Change:
    return lambda folder: [change(folder) for change in changes]


def emptied(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


WHOLE = shells.safetensors()
BARE = several(without("config.json"), without("model.safetensors"))
FIRST = "model-00001-of-00002.safetensors"
INDEX = json.dumps({"weight_map": {"a": FIRST, "b": "model-00002-of-00002.safetensors"}})
PIECE = several(renamed("model.safetensors", FIRST))
LFS = headers.LFS + b"\noid sha256:0\nsize 9\n"
NO_TENSORS = b"\x02\0\0\0\0\0\0\0{}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (emptied, "an empty folder"),
        (without("config.json"), "but weights; copy the config.json of the model"),
        (without("model.safetensors"), "no weights .*found config.json; was the model saved"),
        (several(BARE, holding("optimizer.pt", "")), "only the state of a training .optimizer.pt"),
        (several(BARE, holding("trainer_state.json", "{}")), "state of a training .trainer_state"),
        (several(BARE, holding("m.Q4.gguf", "")), "GGUF files.*address"),
        (several(BARE, holding("notes.txt", "")), "expected a Hugging Face .*found notes.txt"),
        (several(BARE, holding("zero_pp_rank_0_optim_states.pt", "")), "give the folder above"),
        (
            several(BARE, holding("manifest.json", ""), holding("recipe.yaml", "")),
            "a run's folder; `reason-w2s show .*STEP`",
        ),
        (
            several(without("model.safetensors"), holding("__0_0.distcp", "")),
            "FSDP shards; merge them first: accelerate merge-weights",
        ),
        (
            several(PIECE, holding("model.safetensors.index.json", INDEX)),
            "1 of the 2 files .*00002",
        ),
        (several(PIECE, holding("model.safetensors.index.json", "{")), "index.json cannot be read"),
        (PIECE, "a piece of the weights, but the index .* is missing"),
        (holding("model.safetensors", LFS), "a git-lfs pointer.*git lfs pull"),
        (holding("model.safetensors", WHOLE[:-1]), "is cut off .it has"),
        (holding("model.safetensors", WHOLE[:20]), "is cut off"),
        (holding("model.safetensors", b""), "is cut off"),
        (holding("model.safetensors", b"\x04\0\0\0\0\0\0\0nope"), "is no safetensors file"),
        (holding("model.safetensors", NO_TENSORS), "holds no tensors"),
        (
            holding("model.safetensors", shells.safetensors(gone=[0])),
            "1 of 2 tensors without a value .gone.: saved under ZeRO-3",
        ),
    ],
)
def test_what_only_looks_like_a_model(tmp_path: Path, change: Change, said: str) -> None:
    folder = shells.model(tmp_path / "one")
    assert whole.lack(folder) is None
    change(folder)
    with pytest.raises(ConfigError, match=f"^{folder}: .*{said}") as raised:
        model_folder.check(folder)
    assert "\n" not in str(raised.value)


def test_files_and_nothing_at_all(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        model_folder.resolve(tmp_path / "nowhere")
    (tmp_path / "model.gguf").write_bytes(b"")
    for named in (tmp_path / "model.gguf", str(tmp_path / "model.gguf")):
        with pytest.raises(ConfigError, match="a file; GGUF is not read here; expected the folder"):
            model_folder.resolve(named)


def test_a_pickle_is_no_weights_and_beside_them_no_harm(tmp_path: Path) -> None:
    folder = shells.model(tmp_path / "one", **{"pytorch_model.bin": "x"})
    assert whole.lack(folder) is None
    (folder / "model.safetensors").unlink()
    assert "pytorch_model.bin: a pickle can run anything" in str(whole.lack(folder))


def test_a_trainings_folder_names_its_checkpoints(tmp_path: Path) -> None:
    for steps in (5, 100, 20):
        shells.model(tmp_path / f"checkpoint-{steps}")
    with pytest.raises(ConfigError, match=r"\(checkpoint-5, checkpoint-20, checkpoint-100\)"):
        model_folder.check(tmp_path)
    with pytest.raises(ConfigError, match=f"{tmp_path} has checkpoint-5, checkpoint-20, checkp"):
        model_folder.resolve(str(tmp_path / "checkpoint-15"))


@pytest.mark.parametrize("weights", [None, NO_TENSORS, shells.safetensors(gone=[0])])
def test_shards_are_needed_where_no_file_holds_the_weights(tmp_path: Path, weights) -> None:
    folder = shells.shards(shells.model(tmp_path / "one"))
    assert not shards.needed(folder), "what is there whole is not gathered"
    (folder / "model.safetensors").unlink()
    if weights is not None:
        (folder / "model.safetensors").write_bytes(weights)
    assert shards.needed(folder)
    assert len(shards.files(folder)) == 4
    with pytest.raises(ConfigError, match=r"DeepSpeed's shards, in global_step10: .*eval` gathers"):
        model_folder.check(folder)


def test_the_shards_that_count(tmp_path: Path) -> None:
    for steps in (9, 30, 10):
        shells.shards(tmp_path, steps)
    assert shards.tag(tmp_path) == tmp_path / "global_step10", "as `latest` says"
    (tmp_path / "latest").unlink()
    assert shards.tag(tmp_path) == tmp_path / "global_step30"
    (tmp_path / "latest").write_text("global_step40\n")
    assert shards.tag(tmp_path) is None, "what it names is gone: no other step in its place"


@pytest.mark.parametrize(
    ("tensors", "config", "found"),
    [
        ({"q_proj.lora_A.weight": [4, 8], "q_proj.lora_B.weight": [8, 4]}, {}, []),
        ({"x.embed_tokens.weight": [43, 32]}, {}, ["it replaces embed_tokens"]),
        ({"x.q_proj.base_layer.bias": [32]}, {}, ["it replaces q_proj.bias"]),
        ({"x.q_proj.lora_magnitude_vector": [32]}, {"use_dora": True}, ["DoRA"]),
        ({"x.lora_A.weight": [8, 8]}, {"alpha_pattern": {"q_proj": 32}}, ["alpha_pattern"]),
    ],
)
def test_adapters_that_vllm_cannot_add(tmp_path: Path, tensors, config, found) -> None:
    folder = shells.adapter(tmp_path / "lora", tmp_path)
    data = shells.safetensors(name="x.k_proj.lora_A.weight", **tensors)
    (folder / "adapter_model.safetensors").write_bytes(data)
    settings = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**settings, **config}))
    assert adapters.beyond_vllm(folder) == found
    if found:
        with pytest.raises(ConfigError, match=rf"{found[0]}.*reason-w2s merge {folder} OUT"):
            adapters.refuse_beyond_vllm(folder)
    else:
        adapters.refuse_beyond_vllm(folder)
