"""What a worker is told to load: the settings, and what is known of the model, as one frame."""

from __future__ import annotations

from collections.abc import Callable

from llmd.config.settings import EngineSettings, MediaSettings
from llmd.protocol.frames import Load, Senses, Shelf
from llmd.protocol.models import Drafting, Kind, ModelManifest
from llmd.protocol.placement import LoadOptions, Plan

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
    ) -> None:
        self._engine = engine
        self._media = media or MediaSettings()
        self._drafting = drafting
        self._shelf = shelf

    def load(self, manifest: ModelManifest, options: LoadOptions, plan: Plan) -> Load:
        """Return how to load a model as it was planned, with what else is said about loading it;
        raise ConfigInvalid where its draft model is not there.
        """
        engine = self._engine
        return Load(
            path=manifest.path,
            embedding=manifest.kind is not Kind.CHAT,
            context_length=plan.context_length,
            parallel=plan.parallel,
            kv_tokens=plan.kv_tokens,
            kv_type=plan.kv_type,
            full_windows=plan.full_windows,
            batch=engine.batch,
            prefill_chunk=engine.prefill_chunk,
            threads=engine.threads,
            gpu_layers=plan.gpu_layers,
            max_queue=engine.max_queue,
            prefixes=engine.prefixes,
            slowdown=engine.stream_slowdown,
            prefill_threads=engine.prefill_threads,
            flash_attention=options.flash_attention or str(engine.flash_attention),
            adapters=manifest.adapters,
            pooling=manifest.pooling,
            shelf=self._shelf,
            shelf_memory=plan.shelf_memory,
            senses=self._senses(manifest),
            drafting=self._drafting(manifest),
            tensor_split=plan.tensor_split,
            cpu_moe=plan.cpu_moe,
            mmap=plan.mapped,
            mlock=plan.locked,
            require_gpu=bool(options.require_gpu),
            template=manifest.preset.template,
        )

    def _senses(self, manifest: ModelManifest) -> Senses | None:
        if not manifest.projector or manifest.kind is not Kind.CHAT:
            return None
        media = self._media
        longest = media.max_audio if media.max_audio.limited else _LONGEST_AUDIO
        return Senses(manifest.projector, media.max_pixels, float(longest), int(media.cache))
