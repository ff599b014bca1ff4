"""Pictures and sounds of a request: decoded with limits, encoded once, and put among the tokens.

The slow half, `encode`, runs in a thread of its own, so that neither running answers nor requests
without media wait for it; the quick half, `tokenize`, is told only sizes. Whatever went in is known
by the hash of its bytes from then on.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from llmd.engine.bindings import Bitmap, Floats, Model, Patch, Projector
from llmd.engine.media_cache import EmbeddingCache, Encoded
from llmd.engine.media_span import MediaSpan, made_up_tokens
from llmd.engine.pictures import read_picture
from llmd.engine.sounds import read_sound
from llmd.errors import ContextOverflow, InvalidRequest, LlmdError, LoadFailed
from llmd.protocol.frames import Load, Senses

Log = Callable[[str, str], None]

MICRO_BATCH = 512
"""Most tokens of one forward pass; the context must be created with it."""
_PATIENCE = 0.2
_SOUNDS = (b"ID3", b"fLaC")
_MPEG_FRAME, _MPEG_SYNC = 0xFF, 0xE0


class Media:
    """The projector of a loaded model, with what it encoded lately."""

    def __init__(
        self, projector: Projector, senses: Senses, context_length: int, batch: int, log: Log
    ) -> None:
        self.projector = projector
        self.cache = EmbeddingCache(senses.cache)
        self._senses = senses
        self._context_length = context_length
        self._batch = batch
        self._log = log
        self._salt = _identity(senses.projector)

    def encode(
        self, items: Sequence[bytes], places: Sequence[str], cancelled: Callable[[], bool]
    ) -> list[Encoded]:
        """Return all files of a request encoded, fewer when it is cancelled meanwhile; `places`
        name them in errors. Raises InvalidRequest and ContextOverflow.
        """
        while not self.cache.settled(_PATIENCE):
            if cancelled():
                return []
        found: list[Encoded] = []
        left = self._context_length
        for data, where in zip(items, places, strict=True):
            if cancelled():
                return found
            encoded = self.cache.get(hashlib.sha256(data).digest()) or self._one(
                data, where, left, cancelled
            )
            if encoded is None:
                return found
            left -= sum(len(array) for array in encoded.embeddings)
            found.append(encoded)
        return found

    def tokenize(self, parts: Sequence[str | Encoded]) -> tuple[list[int], list[MediaSpan]]:
        """Return the tokens of texts and media in order, made-up ones for the latter, and where
        these stand.
        """
        pieces: list[list[int] | Patch] = []
        for sounds, group in itertools.groupby(parts, lambda part: bool(_kept(part))):
            for part in group if sounds else ():
                pieces += _kept(part)
            pieces += [] if sounds else self._pieces(list(group))
        found = [
            (self._salt + part.digest + number.to_bytes(4), array)
            for part in parts
            if isinstance(part, Encoded)
            for number, array in enumerate(part.embeddings)
        ]
        return _placed(pieces, found)

    def _pieces(self, parts: Sequence[str | Encoded]) -> list[list[int] | Patch]:
        """Return the tokens and patches of texts and pictures."""
        hollow = [part if isinstance(part, str) else part.hollow() for part in parts]
        try:
            return self.projector.tokenize(hollow) or []
        finally:
            for part in hollow:
                if isinstance(part, Bitmap):
                    part.close()

    def close(self) -> None:
        """Free the encoder."""
        self.projector.close()

    def _one(
        self, data: bytes, where: str, room: int, cancelled: Callable[[], bool]
    ) -> Encoded | None:
        started = time.monotonic()
        heard = _is_sound(data)
        bitmap, width, height = self._sound(data, where) if heard else self._picture(data, where)
        try:
            pieces = self.projector.tokenize([bitmap])
        finally:
            bitmap.close()
        patches = [piece for piece in pieces or [] if isinstance(piece, Patch)]
        if not patches or _strange(pieces or []):
            raise InvalidRequest(
                f"The model cannot take in {where}.", hint="`llmd logs` has why.", param=where
            )
        self._check(patches, where, room)
        embeddings: list[Floats] = []
        for patch in patches:
            if cancelled():
                return None
            embeddings.append(self._embeddings(patch, where))
        digest = hashlib.sha256(data).digest()
        kept = (
            tuple(p.hollow() if isinstance(p, Patch) else p for p in pieces or []) if heard else ()
        )
        encoded = Encoded(digest, width, height, tuple(embeddings), kept)
        self.cache.put(encoded)
        self._log(
            "info",
            f"encoded a {'sound' if heard else 'picture'}: {sum(map(len, embeddings))} tokens, "
            f"{time.monotonic() - started:.3f} s",
        )
        return encoded

    def _picture(self, data: bytes, where: str) -> tuple[Bitmap, int, int]:
        if not self.projector.sees:
            raise _refusal(where, "pictures")
        picture = read_picture(data, where, self._senses.max_pixels)
        bitmap = Bitmap.picture(picture.width, picture.height, picture.pixels)
        return bitmap, picture.width, picture.height

    def _sound(self, data: bytes, where: str) -> tuple[Bitmap, int, int]:
        if not self.projector.hears:
            raise _refusal(where, "sounds")
        bitmap = self.projector.sound(read_sound(data, where, self._senses.max_audio))
        if bitmap is None:
            raise InvalidRequest(f"The sound in {where} cannot be resampled.", param=where)
        return bitmap, bitmap.length, 0

    def _check(self, patches: list[Patch], where: str, room: int) -> None:
        needed = sum(patch.count for patch in patches)
        if needed > room:
            raise ContextOverflow(
                f"{where} takes {needed} tokens, but only {room} of the context are left for it.",
                hint="Send less or smaller media, or raise engine.context_length.",
                param=where,
                needed=needed,
                available=room,
            )
        largest = max((p.count for p in patches if self.projector.whole(p)), default=0)
        if largest > self._batch:
            raise InvalidRequest(
                f"{where} takes {largest} tokens that this model must read in one step; "
                f"a step holds {self._batch}.",
                hint=f"Set engine.batch to at least {largest}.",
                param=where,
            )

    def _embeddings(self, patch: Patch, where: str) -> Floats:
        found = self.projector.encode(patch)
        if found is None:
            raise LlmdError(f"Encoding {where} failed.", hint="`llmd logs` has why.", param=where)
        return found


def open_media(load: Load, model: Model, threads: int, context_length: int, log: Log) -> Media:
    """Load the projector of `load.senses`; raise LoadFailed when it does not fit the model."""
    senses, micro_batch = load.senses, min(load.batch, MICRO_BATCH)
    assert senses is not None  # noqa: S101  the caller looked
    projector = Projector.load(
        senses.projector,
        model,
        threads=threads,
        gpu=load.gpu_layers != 0,
        micro_batch=micro_batch,
    )
    if projector is None:
        raise LoadFailed(
            f"The projector {senses.projector} does not work with this model.",
            hint="`llmd logs` has why. Name another with `llmd import MODEL --mmproj FILE`, or "
            "none with `--mmproj none`.",
        )
    return Media(projector, senses, context_length, micro_batch, log)


def _placed(
    pieces: list[list[int] | Patch], found: list[tuple[bytes, Floats]]
) -> tuple[list[int], list[MediaSpan]]:
    tokens: list[int] = []
    spans: list[MediaSpan] = []
    waiting = iter(found)
    for piece in pieces:
        if isinstance(piece, list):
            tokens += piece
            continue
        key, embeddings = next(waiting, (b"", None))
        if embeddings is None or len(embeddings) != piece.count:
            raise LlmdError("A picture or sound came out with another size than before.")
        spans.append(MediaSpan(len(tokens), piece.hollow(), embeddings))
        tokens += made_up_tokens(key, piece.positions)
    return tokens, spans


def _kept(part: str | Encoded) -> tuple[list[int] | Patch, ...]:
    return part.pieces if isinstance(part, Encoded) else ()


def _identity(path: str) -> bytes:
    """Return what tells one projector file from another: prefixes kept on disk outlive the process,
    and what a picture is to the model depends on its projector.
    """
    status = Path(path).stat()
    return hashlib.sha256(f"{path}\0{status.st_size}\0{status.st_mtime_ns}".encode()).digest()


def _strange(pieces: list[list[int] | Patch]) -> bool:
    """Whether the projector brackets media with tokens that the model's vocabulary lacks."""
    return any(isinstance(piece, list) and min(piece) < 0 for piece in pieces)


def _is_sound(data: bytes) -> bool:
    """Tell by the first bytes; what is no sound is tried as a picture."""
    if data.startswith(_SOUNDS) or (data[:4] == b"RIFF" and data[8:12] == b"WAVE"):
        return True
    return len(data) > 1 and data[0] == _MPEG_FRAME and data[1] & _MPEG_SYNC == _MPEG_SYNC


def _refusal(where: str, what: str) -> InvalidRequest:
    return InvalidRequest(
        f"{where} is not for this model: it takes no {what}.",
        hint="Its projector (mmproj file) is made for other media.",
        param=where,
    )
