"""What a student said of each token when it saw it before, for early-learning regularisation.

The published loss keeps a running mean of the student's whole distribution for every example. For
text that is one number per token and entry of the vocabulary: of 5 million tokens and 150,000
entries 3 TB. Here the `keep` largest numbers of each token are kept, 8 bytes each (float32 and
int32): of these tokens with 16 each 640 MB, in the main memory of every process.

An example is told by its tokens: one that stands twice in the data has one memory. Every process
holds all, as an example may come to another one next time: after each update they exchange what
they saw. During an update nothing changes, so how a batch is shared out does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reason_w2s.errors import StoreError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import TrainerCallback

FILE = "remembered.pt"


class Said(NamedTuple):
    """The largest numbers of each of an example's N learned tokens: values [N, k], ids [N, k]."""

    values: Tensor
    ids: Tensor


class Memory:
    """What was said of each example, by its mark. keep: numbers per token."""

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.known: dict[bytes, Said] = {}
        self._seen: dict[bytes, Said] = {}

    def recall(self, marks: Sequence[bytes], sizes: Sequence[int], like: Tensor) -> Said:
        """What was said of examples with so many learned tokens, one after another; zeros of those
        that are new. like: logits [..., V], whose device and width it takes."""
        import torch

        width = min(self.keep, like.shape[-1])
        values, ids = [], []
        for mark, size in zip(marks, sizes, strict=True):
            known = self.known.get(mark)
            values.append(torch.zeros(size, width) if known is None else known.values)
            # each of another entry, or one would be written over the next
            fresh = torch.arange(width).expand(size, width)
            ids.append(fresh if known is None else known.ids.long())
        return Said(torch.cat(values).to(like.device), torch.cat(ids).to(like.device))

    def see(self, marks: Sequence[bytes], sizes: Sequence[int], said: Said) -> None:
        """Note what is said of them now; it counts from the next update on."""
        import torch

        values = said.values.detach().to("cpu", torch.float32)
        parts = zip(values.split(list(sizes)), said.ids.to("cpu").split(list(sizes)), strict=True)
        for mark, (own, ids) in zip(marks, parts, strict=True):
            self._seen[mark] = Said(own.clone(), ids.to(torch.int32))

    def commit(self) -> None:
        """Take over what all processes saw in an update."""
        from accelerate.utils import gather_object

        listed = [(mark, *said) for mark, said in self._seen.items()]
        for mark, values, ids in gather_object(listed):
            self.known[mark] = Said(values, ids)
        self._seen = {}

    def save(self, folder: Path) -> None:
        """Write it into a checkpoint."""
        import torch

        state = {
            "marks": [mark.hex() for mark in self.known],
            "values": [said.values for said in self.known.values()],
            "ids": [said.ids for said in self.known.values()],
        }
        torch.save(state, folder / FILE)

    def load(self, folder: Path) -> None:
        """Read it from the checkpoint that training goes on from.

        Raises:
            StoreError: it is not there: without it the curve would be another one.
        """
        import torch

        path = folder / FILE
        if not path.is_file():
            raise StoreError(f"{path}: not there; delete {folder}, and it trains again before it")
        state: dict[str, Any] = torch.load(path, weights_only=True)
        listed = zip(state["marks"], state["values"], state["ids"], strict=True)
        self.known = {bytes.fromhex(mark): Said(values, ids) for mark, values, ids in listed}


def marks_of(input_ids: Tensor, attention_mask: Tensor | None) -> list[bytes]:
    """A mark for each row of a batch, [B, T], whatever it is padded to."""
    found = []
    for at, row in enumerate(input_ids):
        own = row if attention_mask is None else row[attention_mask[at].bool()]
        found.append(blake2b(own.cpu().numpy().tobytes(), digest_size=16).digest())
    return found


def keeper(memory: Memory) -> TrainerCallback:
    """The callback that commits after each update and writes the memory into checkpoints."""
    from transformers import TrainerCallback

    class Keeper(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            memory.commit()

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.is_world_process_zero:
                memory.save(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Keeper()
