"""KTO over unpaired answers: TRL's KTOTrainer on rows that are tokenised already.

KTO (arXiv 2402.01306) weighs each answer against how far the policy has drifted from the reference,
which it estimates from mismatched pairs: each question with the answer to another one (equation 8).
TRL 1.16 makes these pairs among the examples of one forward pass of one process, and takes the
drift of one pass: the loss then depends on how a profile shares out a batch. The overrides here
make both of the whole batch of an update, which is the same on every profile, and is what TRL has
where one process takes the batch in one pass. They cost no pass more: before an update the policy
does not change. `precompute_ref_log_probs` is refused on several processes, as for DPO.

The term `cross_entropy` replaces TRL's loss by another of the same log-probabilities, which are
seen on their way to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reason_w2s.errors import require
from reason_w2s.train import forwards, losses

if TYPE_CHECKING:
    from torch import Tensor
    from trl import KTOConfig, KTOTrainer

    from reason_w2s.train.job import Job, Rows


def config(arguments: dict[str, Any], longest: int) -> KTOConfig:
    """TRL's config. Rows fit (`longest`: tokens of the longest), so TRL is told to cut nothing."""
    made: KTOConfig = require("trl", "train").KTOConfig(**{**arguments, "max_length": None})
    return made


def mismatched(rows: Rows, batch: int) -> Iterator[dict[str, Any]]:
    """Rows as TRL's collator reads them, each with the answer of the row before it in its batch
    (the first with that of the last) as `KL_completion_ids`."""
    for start in range(0, len(rows), batch):
        some = rows[start : start + batch]
        for at, row in enumerate(some):
            other = some[at - 1]["completion_ids"]
            yield {**row, "label": bool(row["label"][0]), "KL_completion_ids": other}


def build(job: Job) -> KTOTrainer:
    """The trainer, ready to train.

    Log-probabilities are summed over an answer's tokens, nats; the loss is the mean over examples.
    The reference is `job.reference`; without one under LoRA, the model with its adapter off.
    """
    datasets = require("datasets", "train")
    shared = job.config.per_device_train_batch_size * job.config.gradient_accumulation_steps
    rows = list(mismatched(job.rows, shared * job.config.world_size))
    made = _trainer_class() if job.loss is None else _entropy_class(_trainer_class())
    trainer: Any = made(
        model=job.model,
        ref_model=job.reference,
        args=job.config,
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=job.tokenizer,
        peft_config=job.peft_config,
    )
    if job.loss is not None:
        forwards.of_both(trainer, trainer.see)
    built: KTOTrainer = trainer
    return built


def _entropy_class(base: type[KTOTrainer]) -> type[Any]:
    class EntropyTrainer(base):  # type: ignore[misc]
        """A trainer of verdicts whose loss is the cross-entropy of its rewards (TRL 1.16)."""

        def see(self, outputs: Any) -> None:
            self._seen.append(outputs.log_probs.sum(dim=-1))

        def _compute_loss(self, model: Any, inputs: Any, return_outputs: bool) -> Any:
            self._seen: list[Tensor] = []
            given = super()._compute_loss(model, inputs, return_outputs)
            policy, reference = self._seen
            wanted = inputs["label"].to(policy.device).bool()
            weights = wanted * self.desirable_weight + ~wanted * self.undesirable_weight
            ours, trls = (
                (weights * of(policy, reference, wanted, self.beta)).mean()
                for of in (losses.reward_cross_entropy, losses.unpaired_apo_zero)
            )
            # what TRL adds, such as the balancing loss of experts, stays
            return given + ours - trls

    made: type[Any] = EntropyTrainer
    return made


def _trainer_class() -> type[KTOTrainer]:
    trl, torch = require("trl", "train"), require("torch", "train")
    from trl.trainer.utils import use_adapter

    class UnpairedTrainer(trl.KTOTrainer):  # type: ignore[name-defined,misc]
        """KTOTrainer for rows of `mismatched`, with one drift for a whole update (TRL 1.16)."""

        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

        def get_batch_samples(self, *asked: Any) -> tuple[list[Any], Any]:
            self._ahead, items = super().get_batch_samples(*asked)
            return self._ahead, items

        def _measured(self, model: Any, samples: Sequence[Any]) -> Tensor:
            """The mean over an update's mismatched pairs, of all processes, nats; it may be < 0."""
            with torch.no_grad():
                passes = [self._apart(model, self._prepare_inputs(one)) for one in samples]
            # every pass and process has as many examples as the next
            return self.accelerator.gather(torch.stack(passes).mean()).mean()

        def _apart(self, model: Any, batch: Any) -> Tensor:
            policy = super()._compute_kl_logps(model, batch)
            if "ref_KL_logps" in batch:
                reference = batch["ref_KL_logps"]
            elif self.ref_model is not None:
                reference = super()._compute_kl_logps(self.ref_model, batch)
            else:
                with use_adapter(self.accelerator.unwrap_model(self.model), adapter_name=None):
                    reference = super()._compute_kl_logps(self.model, batch)
            return (policy - reference).mean()

        def _compute_loss(self, model: Any, inputs: Any, return_outputs: bool) -> Any:
            if self.calculate_KL:
                if self._ahead:
                    # not where the samples come: there a resumed run has yet to read its dice
                    self._drift, self._ahead = self._measured(model, self._ahead), []
                # TRL asks for the policy's and, where it has none yet, the reference's
                known = inputs.get("ref_KL_logps", self._drift.new_zeros(len(inputs["label"])))
                self._told = iter((known + self._drift, known))
            return super()._compute_loss(model, inputs, return_outputs)

        def _compute_kl_logps(self, model: Any, batch: Any) -> Tensor | None:
            return next(self._told) if self.calculate_KL else None

    made: type[KTOTrainer] = UnpairedTrainer
    return made
