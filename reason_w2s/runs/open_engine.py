"""The one sampler a process keeps open: models are swapped inside it."""

from __future__ import annotations

from reason_w2s.engines.protocols import Sampler
from reason_w2s.runs.items import ModelRef
from reason_w2s.runs.profile import Profile


class OpenEngine:
    """Opens a sampler for a model, and closes it when another model is asked for."""

    def __init__(self) -> None:
        self.open: Sampler | None = None
        self.of: tuple[str, str] | None = None

    def sampler(self, model: ModelRef, profile: Profile) -> Sampler:
        """A sampler for this model; the open one if it is for the same."""
        wanted = (model.path, model.dtype)
        if self.open is None or self.of != wanted:
            self.close()
            from reason_w2s.engines import open_sampler

            settings = profile.engine.model_copy(update={"dtype": model.dtype})
            self.open = open_sampler(profile.sampler, model.path, settings)
            self.of = wanted
        return self.open

    def close(self) -> None:
        """Give the open model's memory back."""
        if self.open is not None:
            self.open.close()
        self.open = self.of = None
