"""What a worker is told to load: the settings, and what is known of the model, as one frame."""

from __future__ import annotations

from collections.abc import Callable

from llmd.config.settings import EngineSettings, MediaSettings
from llmd.protocol.frames import Load, Senses, Shelf
from llmd.protocol.models import Drafting, Kind, ModelManifest

# no limit is one all the same: a day of sound is no request
_LONGEST_AUDIO = 86_400.0


class Orders:
    """Writes the first frame to each worker."""

    def __init__(
        self,
        engine: EngineSettings,
        media: MediaSettings | None = None,
        drafting: Callable[[ModelManifest], Drafting] = lambda _: Drafting(),
        shelf: Shelf | None = None,
        shelf_memory: int = 0,
    ) -> None:
        self._engine = engine
        self._media = media or MediaSettings()
        self._drafting = drafting
        self._shelf = shelf
        self._shelf_memory = shelf_memory

    def load(self, manifest: ModelManifest) -> Load:
        """Return how to load a model; raise ConfigInvalid where its draft model is not there."""
        engine = self._engine
        return Load(
            path=manifest.path,
            embedding=manifest.kind is not Kind.CHAT,
            context_length=engine.context_length,
            parallel=engine.parallel,
            kv_tokens=engine.kv_tokens,
            kv_type=engine.kv_type,
            batch=engine.batch,
            prefill_chunk=engine.prefill_chunk,
            threads=engine.threads,
            gpu_layers=engine.gpu_layers,
            max_queue=engine.max_queue,
            prefixes=engine.prefixes,
            slowdown=engine.stream_slowdown,
            prefill_threads=engine.prefill_threads,
            flash_attention=str(engine.flash_attention),
            adapters=manifest.adapters,
            pooling=manifest.pooling,
            shelf=self._shelf,
            shelf_memory=self._shelf_memory,
            senses=self._senses(manifest),
            drafting=self._drafting(manifest),
        )

    def _senses(self, manifest: ModelManifest) -> Senses | None:
        if not manifest.projector or manifest.kind is not Kind.CHAT:
            return None
        media = self._media
        longest = media.max_audio if media.max_audio.limited else _LONGEST_AUDIO
        return Senses(manifest.projector, media.max_pixels, float(longest), int(media.cache))
