"""The formulas against models that transformers builds, and against figures worked out by hand."""

from __future__ import annotations

import weakref
from dataclasses import replace
from types import SimpleNamespace

import pytest

from reason_w2s.doctor.memory import GIB, memory, saved_bytes, states
from reason_w2s.engines.shape import Shape, shape_of
from reason_w2s.train.config import Lora, TrainProfile, TrainSettings

torch = pytest.importorskip("torch")
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.torch

SIZES = {
    "vocab_size": 512,
    "hidden_size": 96,
    "intermediate_size": 160,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
KINDS = [
    ("llama", {}),
    ("llama", {"tie_word_embeddings": True, "attention_bias": True, "head_dim": 32}),
    ("mistral", {}),
    ("mixtral", {"num_local_experts": 4}),
    ("qwen2", {"tie_word_embeddings": True}),
    ("qwen3", {"head_dim": 48}),
    ("qwen3_moe", {"num_experts": 4, "moe_intermediate_size": 64, "head_dim": 24}),
    ("gemma", {"head_dim": 24}),
    ("gemma2", {"head_dim": 24}),
    ("gemma3_text", {"head_dim": 24}),
    ("phi3", {"pad_token_id": 0}),
    ("olmo2", {}),
    ("glm4", {"head_dim": 24, "pad_token_id": 0}),
]


def built(kind: str, **more):
    config = transformers.AutoConfig.for_model(kind, **SIZES, **more)
    return config, transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)


@pytest.mark.parametrize(("kind", "more"), KINDS)
def test_parameters_are_exact(kind, more):
    config, model = built(kind, **more)
    shape = shape_of(config.to_dict())
    assert shape is not None
    assert shape.parameters == sum(one.numel() for one in model.parameters())


def test_an_adapter_is_exact():
    peft = pytest.importorskip("peft")
    config, model = built("qwen2")
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=8, target_modules="all-linear"))
    trained = sum(one.numel() for one in adapted.parameters() if one.requires_grad)
    assert shape_of(config.to_dict()).adapter(8) == trained


def test_other_architectures_are_not_guessed():
    assert shape_of({"model_type": "gpt_neox", "hidden_size": 64}) is None
    assert shape_of({"model_type": "llama"}) is None


SHAPE = Shape(
    vocabulary=0, hidden=0, layers=0, query=0, key=0, inner=0, experts=1, active=1, tied=True,
    extra=0,
)  # fmt: skip
BILLION = Shape(**{**{name: getattr(SHAPE, name) for name in Shape.__slots__}, "layers": 1000,
                   "extra": 1_000_000})  # fmt: skip


@pytest.mark.parametrize(
    ("dtype", "profile", "bytes_each"),
    [
        ("float32", {}, (4, 4, 8)),
        ("bfloat16", {}, (6, 4, 8)),
        # N = 8, ZeRO's own table (arXiv 1910.02054, figure 1) with gradients copied to float32
        ("bfloat16", {"processes": 8, "zero_stage": 1}, (2, 6, 12 / 8)),
        ("bfloat16", {"processes": 8, "zero_stage": 2}, (2, 6 / 8, 12 / 8)),
        ("bfloat16", {"processes": 8, "zero_stage": 3}, (2 / 8 + 4 / 1000, 4 / 8, 12 / 8)),
        ("bfloat16", {"processes": 8, "zero_stage": 2, "offload": "optimizer"}, (2, 0, 0)),
        ("bfloat16", {"processes": 8, "zero_stage": 3, "offload": "all"}, (4 / 1000, 0, 0)),
    ],
)
def test_states_of_a_billion_parameters(dtype, profile, bytes_each):
    settings = TrainSettings(objective="sft", batch=8, updates=1, dtype=dtype)
    found = states(BILLION, settings, TrainProfile(**profile))
    assert [one / 1e9 for one in found] == pytest.approx(bytes_each)


def test_the_states_are_deepspeeds_own():
    zero = pytest.importorskip("deepspeed.runtime.zero.stage_1_and_2")
    third = pytest.importorskip("deepspeed.runtime.zero.stage3")
    settings = TrainSettings(objective="sft", batch=8, updates=1, dtype="bfloat16")
    for processes in (1, 2, 8):
        two = states(BILLION, settings, TrainProfile(processes=processes, zero_stage=2))
        theirs = zero.estimate_zero2_model_states_mem_needs(10**9, processes, 1, False)[1]
        assert sum(two) == pytest.approx(theirs, rel=1e-6)
        three = states(BILLION, settings, TrainProfile(processes=processes, zero_stage=3))
        theirs = third.estimate_zero3_model_states_mem_needs(
            10**9, 10**6, processes, 1, False, False
        )[1]
        assert sum(three) == pytest.approx(theirs, rel=1e-6)


def test_lora_and_a_reference_and_the_disk():
    lora = TrainSettings(objective="sft", batch=1, updates=1, dtype="bfloat16", lora=Lora(r=4))
    assert states(BILLION, lora, TrainProfile())[0] == 2 * 10**9
    dpo = TrainSettings(objective="dpo", batch=1, updates=1, dtype="bfloat16")
    assert memory(BILLION, dpo, TrainProfile(), 1).reference == 2 * 10**9
    both = dpo.model_copy(update={"lora": Lora(r=4)})
    assert memory(BILLION, both, TrainProfile(), 1).reference == 0
    assert saved_bytes(BILLION, dpo, TrainProfile()) == (2 * 10**9, 12 * 10**9)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_activations_are_what_transformers_saves(kind, dtype, checkpointing):
    """Bytes that a forward pass keeps for the backward one, less the weights and their copies."""
    wide = {"hidden_size": 256, "intermediate_size": 704, "num_attention_heads": 8, "head_dim": 32}
    config = transformers.AutoConfig.for_model(kind, **{**SIZES, **wide, "num_hidden_layers": 6})
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    layers = sum(one.numel() for one in model.model.layers.parameters())
    kept = _kept(model, dtype == "bfloat16", checkpointing)
    if dtype == "bfloat16" and not checkpointing:
        kept -= 2 * layers
    profile = TrainProfile(gradient_checkpointing=checkpointing)
    settings = TrainSettings(objective="sft", batch=4, updates=1, dtype=dtype)
    shape = shape_of(config.to_dict())
    found = memory(shape, settings, profile, 256).activations
    if checkpointing:
        # one layer is kept whole later, while its gradients are computed
        plain = memory(shape, settings, TrainProfile(), 256).activations
        found -= plain // 6
        assert found == pytest.approx(kept, rel=0.3)
    else:
        assert found == pytest.approx(kept, rel=0.05)


def _kept(model, half: bool, checkpointing: bool) -> int:
    if checkpointing:
        model.gradient_checkpointing_enable()
    model.train()
    weights = {one.untyped_storage().data_ptr() for one in model.parameters()}
    sizes, alive = {}, []

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights and storage.data_ptr() not in sizes:
            sizes[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    ids = torch.randint(0, 500, (4, 256))
    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        torch.autocast("cpu", dtype=torch.bfloat16, enabled=half),
    ):
        model.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
    return sum(sizes.values())


class Watch(TorchDispatchMode):
    """Adds up what tensors that are alive hold after each operation."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[int, weakref.ref] = {}
        self.peak = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        for one in found if isinstance(found, tuple) else (found,):
            if isinstance(one, torch.Tensor):
                storage = one.untyped_storage()
                self.alive[storage.data_ptr()] = weakref.ref(storage)
        held = [one() for one in self.alive.values()]
        self.peak = max(self.peak, sum(one.nbytes() for one in held if one is not None))
        return found


TOKENS, VOCABULARY = 64, 8192


def logits_of(half: bool):
    """States of that many tokens and more, made logits as accelerate hands them on: in float32."""
    head = torch.nn.Linear(2, VOCABULARY, bias=False)

    def made(states):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            return SimpleNamespace(logits=head(states).float())

    return made


def estimated(**settings) -> int:
    told = TrainSettings(batch=1, updates=1, **settings)
    tokens = TOKENS // 2 if told.by.learns == "pairs" else TOKENS
    return memory(replace(SHAPE, vocabulary=VOCABULARY), told, TrainProfile(), tokens).logits


@pytest.mark.parametrize("half", [False, True])
def test_logits_of_the_confidence_loss_are_what_it_holds(half):
    """The peak over a forward and a backward pass of the head and the loss alone."""
    from reason_w2s.train.confidence import value_at
    from reason_w2s.train.whole_logits import scored

    states, made = torch.randn(1, TOKENS + 1, 2, requires_grad=True), logits_of(half)

    def model(logits_to_keep, **_):
        return made(states[:, logits_to_keep])

    labels = torch.randint(VOCABULARY, (1, TOKENS + 1))
    with Watch() as watch:
        outputs = scored(model, value_at(0.5))(labels=labels, fused_lm_head=True)
        (-outputs.log_probs.sum()).backward()
    found = estimated(objective="sft", loss={"name": "confidence", "weight": 0.5})
    assert found == pytest.approx(watch.peak, rel=0.15)


def test_logits_of_early_learning_are_what_it_holds():
    """With what is remembered of each token, and its update."""
    from reason_w2s.train.losses import early_learning

    states, made = torch.randn(1, TOKENS, 2, requires_grad=True), logits_of(False)
    labels = torch.randint(VOCABULARY, (TOKENS,))
    values, ids = torch.rand(TOKENS, 16) / 16, torch.arange(16).expand(TOKENS, 16)
    with Watch() as watch:
        logits = made(states).logits[0]
        early_learning(logits, labels, values, ids, 0.7, 3.0)[0].sum().backward()
    found = estimated(objective="sft", loss={"name": "early_learning"})
    assert found == pytest.approx(watch.peak, rel=0.15)


@pytest.mark.parametrize("half", [False, True])
def test_logits_of_orpo_are_what_it_holds(half):
    """The same of a pair, whose sides go through the head together."""
    from reason_w2s.train.orpo import trainer_class

    made = logits_of(half)
    trainer = (kind := trainer_class()).__new__(kind)
    trainer.is_encoder_decoder = trainer.aux_loss_enabled = False
    trainer.padding_value, trainer.beta = 0, 0.1
    trainer.accelerator = SimpleNamespace(device="cpu", gather_for_metrics=lambda one: one)
    ids = torch.randint(VOCABULARY, (1, TOKENS // 2))
    batch = {
        f"{side}_{name}": torch.ones_like(ids) if name == "attention_mask" else ids
        for side in ("chosen", "rejected")
        for name in ("input_ids", "attention_mask", "labels")
    }
    states = torch.randn(2, TOKENS // 2, 2, requires_grad=True)
    with Watch() as watch:
        trainer.get_batch_loss_metrics(lambda *_, **__: made(states), batch)[0].backward()
    assert estimated(objective="orpo") == pytest.approx(watch.peak, rel=0.15)


def test_a_published_size():
    """Qwen2.5-7B has 7.62 billion parameters; AdamW with a bfloat16 copy takes 18 bytes each."""
    seven = shape_of(
        {
            "model_type": "qwen2",
            "vocab_size": 152064,
            "hidden_size": 3584,
            "intermediate_size": 18944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "tie_word_embeddings": False,
        }
    )
    assert seven is not None
    assert seven.parameters == 7_615_616_512
    settings = TrainSettings(objective="sft", batch=1, updates=1, dtype="bfloat16")
    found = memory(seven, settings, TrainProfile(), 1)
    assert found.states / GIB == pytest.approx(18 * 7.615616512e9 / 2**30)
