"""The one sampler a process keeps open: models are swapped inside it."""

from __future__ import annotations

from reason_w2s.engines.protocols import EngineName, Sampler
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.engines.sizes import sized
from reason_w2s.runs.items import ModelRef
from reason_w2s.runs.profile import Profile


def engine_of(model: ModelRef, profile: Profile) -> EngineName:
    """The engine that samples a model: the profile's, or `server` for one at an endpoint."""
    return profile.sampler if model.served is None else "server"


def settings_of(model: ModelRef, profile: Profile) -> EngineSettings:
    """How the profile's engine is set up for a model: of its size and in its precision."""
    settings = profile.engine if model.served else sized(profile.engine, model.path)
    return settings.model_copy(update={"dtype": model.dtype})


class OpenEngine:
    """Opens a sampler for a model, and closes it when another model is asked for."""

    def __init__(self) -> None:
        self.open: Sampler | None = None
        self.of: ModelRef | None = None

    def sampler(self, model: ModelRef, profile: Profile) -> Sampler:
        """A sampler for this model; the open one if it is for the same."""
        if self.open is None or self.of is None or _loaded(self.of) != _loaded(model):
            self.close()
            from reason_w2s.engines import Endpoint, open_sampler

            settings = settings_of(model, profile)
            place = Endpoint(model.path, model.served, model.tokenizer) if model.served else None
            self.open = open_sampler(engine_of(model, profile), place or model.path, settings)
            self.of = model
        return self.open

    def close(self) -> None:
        """Give the open model's memory back."""
        if self.open is not None:
            self.open.close()
        self.open = self.of = None


def _loaded(model: ModelRef) -> tuple[str | None, ...]:
    """What an engine loads of a model; how it is asked is no part of it."""
    return model.path, model.dtype, model.served, model.tokenizer
