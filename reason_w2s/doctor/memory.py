"""How much memory a training step takes per process, from a model's shape and the settings.

Model states, bytes per parameter (P parameters, N processes, b bytes of the step's dtype):

- without DeepSpeed: float32 weights 4, gradients 4, AdamW's two moments 8; under bfloat16 autocast
  keeps a copy of the weights, 2 more.
- ZeRO (Rajbhandari et al., arXiv 1910.02054, section 3): weights b, gradients b + 4 (their float32
  copy), optimiser 12 (float32 weights and moments). Stage 1 divides the optimiser's by N, stage 2
  the gradients' too, stage 3 all, keeps gradients once (4) and gathers the largest layer in
  float32. In bfloat16 stages 2 and 3 are DeepSpeed's `estimate_zero{2,3}_model_states_mem_needs`.
  With `offload: optimizer` gradients and optimiser leave the GPU, with `all` the weights too.
- LoRA: frozen weights b; of the adapter's A parameters 16 A (float32 weights, gradients, moments).
- DPO without LoRA: the reference model's weights, b, divided by N under stage 3; GRPO with a `beta`
  the same; distillation: the teacher's.
- What samples while it trains holds, before activations are there, keys and values of all its
  completions (2 b k per token and layer) and under stage 3 the weights in one piece. vLLM's share
  of a GPU is the profile's `rollout_memory` instead.

Activations, bytes per token and layer of width h, key width k, query width q, inner width i, for
attention that keeps no scores (SDPA, as transformers chooses it): 27 h + 2 b (q + k) + 4 b i; with
gradient checkpointing 4 h for each layer and one layer whole. The form follows Korthikanti et al.
(arXiv 2205.05198, eq. 1) without dropout and scores; the numbers are what transformers 5.17 saves
for its Llama and Qwen2, within 5% (tests/doctor/test_memory.py measures it). Qwen3's norms of heads
add a tenth. TRL's fused head never holds all logits, only tiles of them. Some losses hold them
whole: ORPO's those of both sides, the confidence loss and early learning's those of all positions
at which some row has an answer, here taken as all of them. Early learning's also holds p and t.

Not counted: what libraries take themselves (half a GiB, on a GPU up to one), buffers of
communication, fragmentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from reason_w2s.engines.shape import Shape
from reason_w2s.train.arguments import accumulation
from reason_w2s.train.config import TrainProfile, TrainSettings

GIB = 2**30
TILE_TOKENS, TILE_ENTRIES = 4096, 32768
"""At most so many tokens and entries of the vocabulary are in TRL's tile of logits."""
WHOLE_ENTRY = 16
"""Bytes that a loss of whole logits holds at its peak for each token and entry of the vocabulary:
float32 logits, and in the backward pass three times as much (the test measures both; TRL's kernel
on a GPU may hold less of ORPO's)."""


REMEMBERED_ENTRY = 8
"""Bytes more where the distribution and what is remembered of it are held too, float32 each."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that one process holds at its peak, by what for."""

    weights: int
    gradients: int
    optimiser: int
    reference: int
    activations: int
    logits: int
    rollouts: int = 0

    @property
    def states(self) -> int:
        """What is there whatever the examples are."""
        return self.weights + self.gradients + self.optimiser + self.reference

    @property
    def total(self) -> int:
        """All of it."""
        return self.states + max(self.activations + self.logits, self.rollouts)

    def in_gib(self) -> dict[str, float]:
        """By what for, in GiB."""
        parts = {name: round(size / GIB, 2) for name, size in asdict(self).items()}
        return {**parts, "total": round(self.total / GIB, 2)}


def memory(
    shape: Shape,
    settings: TrainSettings,
    profile: TrainProfile,
    tokens: int,
    teacher: Shape | None = None,
) -> Memory:
    """The estimate for rows of `tokens` tokens, prompt included.

    Raises:
        ConfigError: the batch does not divide over the processes.
    """
    micro, _ = accumulation(settings.batch, profile, settings.by.least)
    rows = 2 * micro if settings.by.learns == "pairs" else micro
    weights, gradients, optimiser = states(shape, settings, profile)
    return Memory(
        weights=weights,
        gradients=gradients,
        optimiser=optimiser,
        reference=_reference(shape, settings, profile, teacher),
        activations=_activations(shape, settings, profile, rows * tokens),
        logits=_logits(shape, settings, rows * tokens),
        rollouts=_rollouts(shape, settings, profile, tokens),
    )


def states(shape: Shape, settings: TrainSettings, profile: TrainProfile) -> tuple[int, int, int]:
    """Bytes of weights, gradients and optimiser on one process."""
    size, wide = shape.parameters, _bytes(settings)
    shards = profile.processes
    whole = 3 if profile.zero_stage == 3 else 0
    gathered = 4 * _largest(shape) if whole else 0
    if settings.lora is not None:
        adapter = shape.adapter(settings.lora.r)
        frozen = wide * size // (shards if whole else 1)
        return frozen + gathered + 4 * adapter, 4 * adapter, 8 * adapter
    if profile.zero_stage == 0:
        return (4 * size + (2 * size if wide == 2 else 0), 4 * size, 8 * size)
    weights = wide * size // (shards if whole else 1)
    each = 4 if whole else wide + 4
    gradients = each * size // (shards if profile.zero_stage > 1 else 1)
    optimiser = 12 * size // shards
    if profile.offload != "none":
        gradients = optimiser = 0
    return (0 if profile.offload == "all" else weights) + gathered, gradients, optimiser


def saved_bytes(shape: Shape, settings: TrainSettings, profile: TrainProfile) -> tuple[int, int]:
    """Bytes on disk of the trained model, and of one checkpoint inside the step."""
    if settings.lora is not None:
        adapter = shape.adapter(settings.lora.r)
        return 4 * adapter, 12 * adapter
    size, wide = shape.parameters, _bytes(settings)
    # a checkpoint holds float32 weights and moments; DeepSpeed's, those of the step's dtype too
    return wide * size, 12 * size + (wide * size if profile.zero_stage else 0)


def _reference(
    shape: Shape, settings: TrainSettings, profile: TrainProfile, teacher: Shape | None
) -> int:
    held = settings.by.reference or (settings.by.reward and settings.trainer.get("beta"))
    if teacher is None and (not held or settings.lora is not None):
        return 0
    shape = teacher or shape
    shards = profile.processes if profile.zero_stage == 3 else 1
    return _bytes(settings) * shape.parameters // shards


def _activations(shape: Shape, settings: TrainSettings, profile: TrainProfile, tokens: int) -> int:
    wide = _bytes(settings)
    inner = 4 * wide * shape.active * shape.inner
    layer = 27 * shape.hidden + 2 * wide * (shape.query + shape.key) + inner
    if profile.gradient_checkpointing:
        return tokens * (4 * shape.hidden * shape.layers + layer)
    return tokens * layer * shape.layers


def _rollouts(shape: Shape, settings: TrainSettings, profile: TrainProfile, tokens: int) -> int:
    if not settings.group or profile.rollouts == "vllm":
        return 0
    wide, completions = _bytes(settings), settings.generation // profile.processes
    whole = wide * shape.parameters if profile.zero_stage == 3 else 0
    return 2 * wide * shape.key * shape.layers * tokens * completions + whole


def _logits(shape: Shape, settings: TrainSettings, tokens: int) -> int:
    """Tiles in the step's dtype and in float32; whole where the loss needs them so."""
    if settings.by.head:
        return 0
    each = _bytes(settings) + 4
    loss = None if settings.loss is None else settings.loss.name
    if loss == "early_learning":
        return tokens * shape.vocabulary * (WHOLE_ENTRY + REMEMBERED_ENTRY)
    if loss == "confidence" or settings.by.logits:
        return tokens * shape.vocabulary * WHOLE_ENTRY
    if settings.objective == "sft" and settings.trainer.get("label_smoothing_factor"):
        return tokens * shape.vocabulary * (each + 4)
    return min(tokens, TILE_TOKENS) * min(shape.vocabulary, TILE_ENTRIES) * each


def _largest(shape: Shape) -> int:
    return max(shape.layer, shape.vocabulary * shape.hidden)


def _bytes(settings: TrainSettings) -> int:
    return 2 if settings.dtype == "bfloat16" else 4


def gib(size: float) -> str:
    """A size to be read: `14.2 GiB`, `8 MiB`."""
    return f"{size / GIB:.1f} GiB" if size >= 0.1 * GIB else f"{size / 2**20:.0f} MiB"


def parts(found: Memory) -> str:
    """The estimate's parts in words, without those that are nothing."""
    named: Mapping[str, int] = asdict(found)
    return ", ".join(f"{name} {gib(size)}" for name, size in named.items() if size)
