"""Base models made here: tokenizer, tiny model, and pretraining on the procedural world.

Both write an ordinary Hugging Face folder that transformers and vLLM load. `pretrain` makes the
world's weak and strong base models on one CPU core; `scratch` makes an untrained model with a
byte-level tokenizer for real text, where nothing can be downloaded.
"""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from reason_w2s.errors import ConfigError, DataError, require
from reason_w2s.problems import world_corpus
from reason_w2s.problems.world import VOCABULARY, facts
from reason_w2s.train import like
from reason_w2s.train.config import Progress, TrainStats

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LambdaLR
    from transformers import (
        LlamaForCausalLM,
        PreTrainedModel,
        PreTrainedTokenizerBase,
        PreTrainedTokenizerFast,
        Qwen2ForCausalLM,
        Qwen2Tokenizer,
    )

log = logging.getLogger(__name__)

PAD, EOS, UNK = "<pad>", "<eos>", "<unk>"
PAD_ID, EOS_ID = 0, 1
ROWS = 16  # per update
ROW = 80  # tokens: the longest document, a worked solution of four steps, has 77
WARM_UP = 0.05
MAX_POSITIONS = 256
# AdamW for everything (3e-3) reached 49 and 53% on dev where this reached 100 and 68%
MUON_RATE = 8e-3
LAYERS, HEADS, HEAD = 2, 2, 32  # 32 is the smallest head that vLLM runs on a CPU


@dataclass(frozen=True, slots=True)
class Size:
    """A world model's shape and how long it learns."""

    hidden: int
    feed_forward: int
    tokens: int
    learning_rate: float


# Chosen on dev and frozen: short enough that neither size knows all its sums, so that students,
# teacher and ceiling stay apart. Asked to think, ten strong models were right on 46 to 98%. A first
# freeze at 1.4M left one seed's gold ceiling only 11 points above its teacher.
SIZES = {
    "weak": Size(48, 128, 1_300_000, 5e-3),
    "strong": Size(64, 176, 1_600_000, 5e-3),
}


class PretrainSettings(BaseModel):
    """Pretraining on the world.

    seed: of its data and weights; None: the recipe's. With one of its own, the recipe's seed varies
    over the same base model.
    tokens: how many to learn from; None: what the size is tuned for.
    story, think, worked: shares of documents (`world_corpus.Mixture`). `think_first` replaces
    `think` for the first `first` of the rows: reading the question forms there.
    bias_std: the query and key biases' standard deviation at the start. With zeros, attention by
    position is a saddle that takes long to leave.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Literal["weak", "strong"]
    seed: int | None = None
    tokens: int | None = Field(None, ge=ROWS * ROW)
    learning_rate: float | None = Field(None, gt=0)
    story: float = Field(0.1, ge=0, le=1)
    think: float = Field(0.05, ge=0, le=1)
    think_first: float = Field(0.8, ge=0, le=1)
    first: float = Field(0.5, ge=0, le=1)
    worked: float = Field(0.05, ge=0, le=1)
    bias_std: float = Field(1.0, ge=0)


class ScratchSettings(BaseModel):
    """An untrained Qwen2 for real text. The defaults make about 2 million parameters.

    like: a model, by folder or hub name and `revision`, whose architecture and tokenizer it has
    instead; tiny, and without a network (see `train.like`). The sizes then do not count.
    dtype: what it is saved in and samples in; None: float32.
    seed: of its weights; None: the recipe's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    vocab_size: int = Field(4096, ge=300)
    hidden: int = Field(192, ge=32)
    layers: int = Field(4, ge=1)
    heads: int = Field(6, ge=1)
    max_positions: int = Field(1024, ge=16)
    like: str | None = None
    revision: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    seed: int | None = None


def pretrain(settings: PretrainSettings, out: Path, *, seed: int, progress: Progress) -> TrainStats:
    """Make a world base model in `out`; one seed gives one model. Progress counts updates.

    The loss is the mean over all tokens of all documents, question included (nats).
    """
    torch = require("torch", "train")
    started = time.monotonic()
    size = SIZES[settings.size]
    updates = (settings.tokens or size.tokens) // (ROWS * ROW)
    tokenizer = world_tokenizer()
    rows = torch.tensor(_rows(settings, tokenizer, updates * ROWS, seed))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _world_model(size, settings.bias_std)
    losses = _learn(model, rows.split(ROWS), settings.learning_rate or size.learning_rate, progress)
    _save(model, tokenizer, out)
    seconds = time.monotonic() - started
    log.info(
        "pretrained %s on %d tokens, loss %.3f, %.0f s", out, rows.numel(), losses[-1], seconds
    )
    return TrainStats(
        examples=len(rows),
        updates=updates,
        tokens=int((rows != 0).sum()),
        seconds=seconds,
        peak_memory_mib=_peak_memory_mib(),
        log=[{"step": float(at), "loss": losses[at]} for at in range(0, updates, 50)],
    )


def scratch(settings: ScratchSettings, texts: Iterable[str], out: Path, *, seed: int) -> None:
    """Make an untrained model in `out`: a Qwen2 with a byte-level BPE tokenizer trained on `texts`,
    or one like another.

    Raises:
        ConfigError: `heads` does not divide `hidden`, or the other cannot be copied small.
        DataError: there are no texts.
    """
    torch = require("torch", "train")
    with torch.random.fork_rng(devices=[]):
        # two models that are like others of one size must not be the same model
        torch.manual_seed(zlib.crc32(f"{seed} {settings.like}".encode()) if settings.like else seed)
        if settings.like is None:
            _scratch_qwen2(settings, list(texts), out)
        else:
            dtype = settings.dtype or "float32"
            like.make(settings.like, settings.revision, list(texts), out, dtype=dtype)


def _scratch_qwen2(settings: ScratchSettings, texts: Sequence[str], out: Path) -> None:
    import torch

    if settings.hidden % settings.heads:
        raise ConfigError(f"hidden {settings.hidden} is not a multiple of heads {settings.heads}")
    if not texts:
        raise DataError("no texts to train a tokenizer on")
    tokenizer = like.byte_level(texts, settings.vocab_size, positions=settings.max_positions)
    model = _qwen2(settings, tokenizer).to(getattr(torch, settings.dtype or "float32"))
    _save(model, tokenizer, out)


def world_tokenizer() -> PreTrainedTokenizerFast:
    """One token per word, number, mark and line break; nothing is added to a text.

    Text without doubled blanks comes back from decoding as it was, whole or token by token.
    """
    tokenizers = require("tokenizers", "train")
    normalizers, decoders = tokenizers.normalizers, tokenizers.decoders
    split, regex = tokenizers.pre_tokenizers, tokenizers.Regex
    entries = (word if word in (PAD, EOS, UNK) else f"▁{word}" for word in VOCABULARY)
    vocabulary = {entry: index for index, entry in enumerate(entries)}
    backend = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token=UNK))
    # a blank at an edge would become a token of its own
    edges = ((" *\n *", "\n"), (" +", " "), ("^ | $", ""))
    backend.normalizer = normalizers.Sequence(
        [normalizers.Replace(regex(pattern), text) for pattern, text in edges]
    )
    backend.pre_tokenizer = split.Sequence(
        [split.Split(regex("[\n.?:]"), "isolated"), split.Metaspace(prepend_scheme="always")]
    )
    glued = (("▁\n", "\n"), ("\n▁", "\n"), ("▁.", "."), ("▁?", "?"), ("▁:", ":"), ("▁", " "))
    backend.decoder = decoders.Sequence(
        [
            decoders.Fuse(),
            *(decoders.Replace(*pair) for pair in glued),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return require("transformers", "train").PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNK,
        clean_up_tokenization_spaces=False,
        model_max_length=MAX_POSITIONS,
    )


def _qwen2(settings: ScratchSettings, tokenizer: Qwen2Tokenizer) -> Qwen2ForCausalLM:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=settings.hidden,
        # about 8/3 of the width, in whole blocks of 16
        intermediate_size=-(-settings.hidden * 8 // 48) * 16,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.heads,
        max_position_embeddings=settings.max_positions,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return Qwen2ForCausalLM(config)


def _rows(
    settings: PretrainSettings, tokenizer: PreTrainedTokenizerFast, count: int, seed: int
) -> list[list[int]]:
    """One document per row, from its start, and sums in the room behind it; shape [count, ROW]."""
    texts = list(islice(_documents(settings, count, seed), count))
    every = tokenizer(facts())["input_ids"]
    drawn = world_corpus.draws(seed, len(every))
    newline = tokenizer.convert_tokens_to_ids("▁\n")
    rows = []
    for ids in tokenizer(texts)["input_ids"]:
        row = [*ids, EOS_ID]
        while len(row) + len(every[0]) + 1 <= ROW:
            row += [*every[next(drawn)], newline]
        rows.append(row + [PAD_ID] * (ROW - len(row)))
    return rows


def _documents(settings: PretrainSettings, count: int, seed: int) -> Iterator[str]:
    for phase, think in (("first", settings.think_first), ("then", settings.think)):
        share = settings.first if phase == "first" else 1
        mixture = world_corpus.Mixture(settings.story, think, settings.worked)
        yield from islice(world_corpus.documents(f"{seed} {phase}", mixture), int(share * count))


def _world_model(size: Size, bias_std: float) -> LlamaForCausalLM:
    """Llama with attention biases: Qwen2's shape, without the tokenizer that Qwen2 is tied to."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=size.hidden,
        intermediate_size=size.feed_forward,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        head_dim=HEAD,
        attention_bias=True,
        max_position_embeddings=MAX_POSITIONS,
        # short texts: a small base tells neighbouring positions apart
        rope_parameters={"rope_type": "default", "rope_theta": 100.0},
        tie_word_embeddings=True,
        pad_token_id=PAD_ID,
        eos_token_id=EOS_ID,
        bos_token_id=None,
    )
    model = LlamaForCausalLM(config)
    for layer in model.model.layers:
        for projection in (layer.self_attn.q_proj, layer.self_attn.k_proj):
            torch.nn.init.normal_(projection.bias, std=bias_std)
    return model


def _learn(
    model: LlamaForCausalLM, batches: Iterable[Tensor], rate: float, progress: Progress
) -> list[float]:
    import torch

    batches = list(batches)
    optimizers, schedules = _optimizers(model, rate, len(batches))
    losses = []
    for done, rows in enumerate(batches, start=1):
        logits = model(input_ids=rows, use_cache=False).logits[:, :-1]
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), rows[:, 1:].flatten(), ignore_index=PAD_ID
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for part in (*optimizers, *schedules):
            part.step()
        model.zero_grad()
        losses.append(float(loss.detach()))
        progress(done, len(batches))
    return losses


def _optimizers(
    model: LlamaForCausalLM, rate: float, updates: int
) -> tuple[list[Optimizer], list[LambdaLR]]:
    """Muon for the layers' matrices, AdamW at `rate` for embedding, norms and biases."""
    import torch
    from transformers import get_cosine_schedule_with_warmup

    inner = [parameter for parameter in model.model.layers.parameters() if parameter.ndim == 2]
    chosen = {id(parameter) for parameter in inner}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in chosen]
    optimizers = [
        torch.optim.Muon(inner, lr=MUON_RATE, weight_decay=0.0),
        torch.optim.AdamW(rest, lr=rate, weight_decay=0.0, fused=True),
    ]
    warm_up = max(1, int(WARM_UP * updates))
    return optimizers, [
        get_cosine_schedule_with_warmup(optimizer, warm_up, updates) for optimizer in optimizers
    ]


def _save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def _peak_memory_mib() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
