"""transformers' plain `generate`: slow, and runs wherever torch does."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reason_w2s.engines import headed, headers, model_folder
from reason_w2s.engines.protocols import Completion, Request, Sampling
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.errors import ConfigError, EngineError, require
from reason_w2s.prompts import encode
from reason_w2s.records import FinishReason
from reason_w2s.trust import refuse_code, trusted

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

BATCH = 32
FALLBACK_LENGTH = 4096


def load_model(folder: Path, dtype: str = "auto", device: str = "cpu") -> PreTrainedModel:
    """The model in `folder`, in evaluation mode; an adapter is merged into its base.

    Raises:
        ConfigError: it gives scores and writes no text.
        EngineError: transformers cannot load it.
    """
    require("torch", "train")
    transformers = require("transformers", "train")
    transformers.utils.logging.disable_progress_bar()
    adapter = model_folder.is_adapter(headed.writes(folder))
    source = model_folder.base_of(folder) if adapter else folder
    try:
        model, about = transformers.AutoModelForCausalLM.from_pretrained(
            source,
            dtype=dtype,
            output_loading_info=True,
            use_safetensors=True,
            trust_remote_code=trusted(),
        )
        if adapter:
            peft = require("peft", "train")
            _grow(model, folder)
            model = peft.PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
    except (OSError, ValueError, RuntimeError) as error:
        raise unloadable(folder, error) from error
    _refuse_random(source, about["missing_keys"])
    loaded: PreTrainedModel = model.eval().to(device)
    return loaded


def unloadable(folder: Path, error: Exception) -> ConfigError | EngineError:
    """What transformers says of a model that it cannot load: its config is wrong (another
    architecture, code of its own), or something failed.

    Raises:
        ConfigError: it needs code of its own.
    """
    refuse_code(folder, error)
    kind = ConfigError if isinstance(error, ValueError) else EngineError
    return kind(f"{folder}: transformers could not load this model: {error}")


def _grow(model: Any, adapter: Path) -> None:
    """An adapter trained with new tokens holds embeddings of more rows than its base has."""
    rows = [
        shape[0]
        for name, shape in headers.shapes(adapter).items()
        if name.endswith(("embed_tokens.weight", "lm_head.weight", "wte.weight"))
    ]
    if rows and max(rows) != model.get_input_embeddings().weight.shape[0]:
        # every row comes from the adapter: none needs a mean
        model.resize_token_embeddings(max(rows), mean_resizing=False)


def _refuse_random(folder: Path, missing: Iterable[str]) -> None:
    """transformers draws at random what the files do not hold, and only warns."""
    names = sorted(missing)
    if names:
        raise EngineError(
            f"{folder}: its files hold no value for {len(names)} of the model's weights "
            f"({', '.join(names[:3])}); save or fetch the model again"
        )


class HfSampler:
    """`generate` in left-padded batches.

    Each request draws from its own generator (Gumbel noise added to its logits, then the largest),
    so a response does not depend on the order or the company it is drawn in, except where padding
    and batch shape change the last bits of a logit and two tokens are that close.
    """

    def __init__(self, model: Path | str, settings: EngineSettings) -> None:
        """Raises ConfigError (no model there) or EngineError (it cannot be loaded)."""
        self.folder = model_folder.resolve(model)
        self._batch = min(settings.max_num_seqs, BATCH)
        self._model: PreTrainedModel | None = open_model(self.folder, settings)
        self._tokenizer = model_folder.load_tokenizer(self.folder)
        self._pad, self._ends = _special(self._model, self._tokenizer)
        self._limit = (
            settings.max_model_len or model_folder.max_positions(self.folder) or FALLBACK_LENGTH
        )

    def sample(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Completions, batch by batch; requests of one batch with equal settings run together."""
        waiting = iter(requests)
        while batch := list(islice(waiting, self._batch)):
            fitting: dict[Sampling, list[tuple[Request, list[int]]]] = {}
            for request in batch:
                ids = encode(request.rendered, self._tokenizer)
                if 0 < len(ids) < self._limit:
                    fitting.setdefault(request.sampling, []).append((request, ids))
                else:
                    yield _too_long(request, len(ids), self._limit)
            for sampling, group in fitting.items():
                yield from self._generate(sampling, group)

    def close(self) -> None:
        """Give the memory back. Safe to call twice."""
        self._model = None
        free()

    def _generate(
        self, sampling: Sampling, group: list[tuple[Request, list[int]]]
    ) -> Iterator[Completion]:
        import torch

        if self._model is None:
            raise EngineError(f"{self.folder}: this sampler is closed; open another one")
        width, shortest = (pick(len(ids) for _, ids in group) for pick in (max, min))
        inputs = torch.tensor([[self._pad] * (width - len(ids)) + ids for _, ids in group])
        mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for _, ids in group])
        device = self._model.device
        with torch.inference_mode():
            output = self._model.generate(
                input_ids=inputs.to(device),
                attention_mask=mask.to(device),
                logits_processor=_processors(sampling, [request.seed for request, _ in group]),
                stopping_criteria=_stops(sampling.stop, self._tokenizer, width),
                do_sample=False,
                max_new_tokens=min(sampling.max_tokens, self._limit - shortest),
                eos_token_id=list(self._ends),
                pad_token_id=self._pad,
            )
        for (request, ids), row in zip(group, output[:, width:].tolist(), strict=True):
            yield self._completion(request, len(ids), row)

    def _completion(self, request: Request, n_prompt: int, row: list[int]) -> Completion:
        # the longest prompt of a batch must not cut the others: each is cut at its own limit
        row = row[: self._limit - n_prompt]
        end = next((i for i, token in enumerate(row) if token in self._ends), None)
        ids = row if end is None else row[:end]
        text = str(self._tokenizer.decode(ids, skip_special_tokens=True))
        reason: FinishReason = "length" if end is None else "stop"
        # the stop that comes first ends it; rows that ended early are filled up with padding
        found = [(text.index(stop), stop) for stop in request.sampling.stop if stop in text]
        if found:
            text, reason = text[: min(found)[0]], "stop"
            ids = self._until_stop(ids, request.sampling.stop)
        return Completion(request.key, text, tuple(ids), reason, n_prompt, len(ids))

    def _until_stop(self, ids: list[int], stops: tuple[str, ...]) -> list[int]:
        for length in range(1, len(ids) + 1):
            text = self._tokenizer.decode(ids[:length], skip_special_tokens=True)
            if any(stop in text for stop in stops):
                return ids[:length]
        return ids


def open_model(folder: Path, settings: EngineSettings) -> PreTrainedModel:
    """The model in `folder` under these settings, on the GPU where there is one."""
    torch = require("torch", "train")
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return load_model(folder, settings.dtype, device)


def _special(model: Any, tokenizer: Any) -> tuple[int, frozenset[int]]:
    """The padding id and the ids that end a response; the model's own defaults are put away."""
    from transformers import GenerationConfig

    listed = model.generation_config.eos_token_id
    listed = [] if listed is None else [listed] if isinstance(listed, int) else list(listed)
    own = [] if tokenizer.eos_token_id is None else [int(tokenizer.eos_token_id)]
    model.generation_config = GenerationConfig()
    ends = frozenset([*listed, *own])
    pad = tokenizer.pad_token_id
    return (pad if pad is not None else min(ends, default=0)), ends


def _too_long(request: Request, n_prompt: int, limit: int) -> Completion:
    message = f"the prompt has {n_prompt} tokens, the model takes 1 to {limit - 1} and a response"
    return Completion(request.key, message, None, "error", n_prompt, 0)


def _processors(sampling: Sampling, seeds: list[int]) -> Any:
    """Every sampling setting as a logits processor, in vLLM's order; the last one draws."""
    from transformers import generation

    chain: list[Any] = []
    if sampling.repetition_penalty != 1:
        chain.append(generation.RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty))
    if sampling.temperature > 0:
        chain.append(generation.TemperatureLogitsWarper(sampling.temperature))
        if sampling.min_p > 0:
            chain.append(generation.MinPLogitsWarper(sampling.min_p))
        if sampling.top_k > 0:
            chain.append(generation.TopKLogitsWarper(sampling.top_k))
        if sampling.top_p < 1:
            chain.append(generation.TopPLogitsWarper(sampling.top_p))
        chain.append(_Draw(seeds))
    return generation.LogitsProcessorList(chain)


def _stops(stops: tuple[str, ...], tokenizer: Any, width: int) -> Any:
    """transformers' own stop strings fail on word-level tokenizers; this looks at the text."""
    from transformers import StoppingCriteriaList

    return StoppingCriteriaList([_StopAt(stops, tokenizer, width)] if stops else [])


class _StopAt:
    """Ends the rows whose newest text holds a stop string. `width`: tokens of the prompts."""

    def __init__(self, stops: tuple[str, ...], tokenizer: Any, width: int) -> None:
        self.stops, self.tokenizer, self.width = stops, tokenizer, width
        # a stop string spans at most as many tokens as it has characters
        self.window = max(len(stop) for stop in stops) + 1

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        import torch

        tails = input_ids[:, max(self.width, input_ids.shape[1] - self.window) :].tolist()
        texts = self.tokenizer.batch_decode(tails, skip_special_tokens=True)
        ended = [any(stop in text for stop in self.stops) for text in texts]
        return torch.tensor(ended, device=input_ids.device)


class _Draw:
    """Gumbel-max: adding Gumbel noise to log-probabilities and taking the largest is a draw."""

    def __init__(self, seeds: list[int]) -> None:
        import torch

        self.generators = [torch.Generator().manual_seed(seed % 2**63) for seed in seeds]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        import torch

        noise = torch.stack(
            [torch.empty(scores.shape[1]).exponential_(generator=g) for g in self.generators]
        )
        return scores - noise.log().to(scores.device)


def free() -> None:
    """Let go of memory that nothing refers to."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
