"""Finds how a model fits into what is free: layers on GPUs, experts, context, cells of the cache.

What is wanted is given up in this order: cells beyond one full context, memory for prefixes that
are set aside, experts on GPUs, layers on GPUs, and last the length of a context that nobody asked
for. What somebody did ask for is never given up; then the plan says why it does not fit and what
would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from llmd.models.placement.correcting import Lesson, corrected
from llmd.models.placement.layout import layout, window_size
from llmd.models.placement.searching import largest
from llmd.models.placement.shape import CELL_STEP, Shape, can_be_narrow, whole_cells
from llmd.models.placement.spreading import CPU, Placing
from llmd.models.placement.subject import Subject
from llmd.models.placement.wishes import LEAST_CONTEXT, Wishes
from llmd.protocol.placement import DeviceRoom, DeviceUse, Plan

_MIB = 2**20
_SHARE_OF_FREE = 4
_SHELF_SHARE = 16
_MOST_SHELF = 512 * _MIB
_SHELF_STEP = 16 * _MIB
_SPARE = 32 * _MIB
_SPARE_GPU = 128 * _MIB
"""Drivers and libraries take some more as they please."""
_QUICK_WINDOW = 64 * _MIB
"""The window of a sequence is copied in some tens of milliseconds at most, see engine/memory."""
_NARROWER = 1.25
"""How many times more cells are worth that windows must be copied that take longer."""
_SCRATCH = 1.1
"""Bytes of the CPU's work buffer for each token and element of the widest layer."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """One way to load a model."""

    shape: Shape
    placing: Placing
    shelf: int
    uses: list[DeviceUse]


@dataclass(frozen=True, slots=True)
class Options:
    """What is decided before cells are: a smaller one is worth less."""

    context_length: int
    gpu_layers: int
    cpu_moe: int
    full_windows: bool = True


class Fitting:
    """Searches for one subject and one set of wishes."""

    def __init__(
        self,
        subject: Subject,
        wishes: Wishes,
        rooms: Sequence[DeviceRoom],
        repacked: frozenset[str],
        lessons: Sequence[Lesson] = (),
    ) -> None:
        self.subject = subject
        self.wishes = wishes
        self.rooms = {room.device: room.free for room in rooms}
        self._repacked = repacked
        self._lessons = lessons
        uses_gpus = wishes.prefer_gpu and wishes.gpu_layers != 0
        self.gpus = tuple(d for d in self.rooms if d != CPU) if uses_gpus else ()
        free = [float(self.rooms[gpu]) for gpu in self.gpus]
        self.split = wishes.tensor_split or (tuple(free) if len(free) > 1 and any(free) else ())

    @property
    def all_layers(self) -> int:
        """Layers that can be offloaded, the output counted as one."""
        return len(self.subject.facts.layers) + 1

    @property
    def wanted(self) -> Options:
        """What would be loaded if memory were no matter."""
        layers, asked = self.all_layers if self.gpus else 0, self.wishes.gpu_layers
        return Options(
            context_length=self.wishes.context_length,
            gpu_layers=min(asked, layers) if asked >= 0 else layers,
            cpu_moe=self.wishes.cpu_moe or 0,
            full_windows=self._full_windows(),
        )

    def search(self) -> Arrangement | None:
        """Return the best that fits; None where nothing does."""
        wanted = self.wanted
        found = self._search(wanted)
        if not (wanted.full_windows and self._may_be_narrow) or (found and self._is_all(found)):
            return found
        narrow = self._search(replace(wanted, full_windows=False))
        if found and narrow and _worth(narrow) < _worth(found, _NARROWER):
            return found
        return narrow or found

    def _search(self, wanted: Options) -> Arrangement | None:
        context = wanted.context_length
        while True:
            found = self._with_context(replace(wanted, context_length=context))
            if found or self.wishes.asked_context or context // 2 < LEAST_CONTEXT:
                return found
            context //= 2

    def least(self) -> Arrangement:
        """Return the smallest that is not against a wish, whether it fits or not."""
        context = self.wishes.context_length
        if not self.wishes.asked_context:
            context = min(context, LEAST_CONTEXT)
        options = replace(self.wanted, context_length=context)
        if self._may_be_narrow:
            options = replace(options, full_windows=False)
        if self.gpus and not (self.wishes.require_gpu or self.wishes.asked_layers):
            options = replace(options, gpu_layers=0)
        return self._made(options, self._least_cells(options), 0)

    def cells(self, options: Options) -> int:
        """Return the cells that a model would have if they fit."""
        if not self.wishes.generates:
            return 0
        if self.wishes.kv_tokens:
            return whole_cells(self.wishes.kv_tokens)
        context = options.context_length
        free = sum(self.rooms[gpu] for gpu in self.gpus) or self.rooms.get(CPU, 0)
        most, share = context * self.wishes.parallel, free // _SHARE_OF_FREE
        if not options.full_windows:
            # their windows cost more than their first cells, which have no price of their own
            found = largest(
                CELL_STEP, most, lambda n: self._cells_size(options, n) <= share, CELL_STEP
            )
            return whole_cells(max(context, found or 0))
        one, two = (self._cells_size(options, cells) for cells in (CELL_STEP, 2 * CELL_STEP))
        each = max(1, (two - one) // CELL_STEP)
        return whole_cells(max(context, min(most, share // each)))

    def lesson(self, plan: Plan, measured: Sequence[DeviceUse], seconds: float) -> Lesson:
        """Return what a load that went as `plan` says taught."""
        options = Options(plan.context_length, plan.gpu_layers, plan.cpu_moe, plan.full_windows)
        shape, placing = self._shape(options, plan.kv_tokens), self._placing(options)
        predicted = layout(self.subject, shape, placing, plan.shelf_memory)
        return Lesson(shape_key(shape, placing), predicted, list(measured), seconds)

    def shelf(self) -> int:
        """Return the memory for prefixes that are set aside, if it fits."""
        if self.wishes.shelf is not None:
            return self.wishes.shelf
        return min(self.rooms.get(CPU, 0) // _SHELF_SHARE, _MOST_SHELF)

    def fits(self, uses: Sequence[DeviceUse]) -> bool:
        """Whether there is room on all devices."""
        return all(self.missing(use) <= 0 for use in uses)

    def missing(self, use: DeviceUse) -> int:
        """Return the bytes that a device lacks; nothing or less: it has enough."""
        facts = self.subject.facts
        spare = _SPARE_GPU
        if use.device == CPU:
            widest = max((x.feed_forward * max(1, x.experts_used) for x in facts.layers), default=0)
            spare = _SPARE + int(_SCRATCH * self.wishes.batch * widest)
        return use.parts.total + spare - self.rooms.get(use.device, 0)

    @property
    def _may_be_narrow(self) -> bool:
        """Whether layers with windows may have cells for windows only."""
        facts, extras = self.subject.facts, self.subject.extras
        if self.wishes.swa_cache == "full" or not self.wishes.generates:
            return False
        return can_be_narrow(facts, prediction=bool(extras.prediction))

    def _full_windows(self) -> bool:
        """Whether layers with windows have cells for all tokens if memory is no matter."""
        if not self._may_be_narrow:
            return True
        quick = window_size(self.subject.facts, self.wishes.kv_type) <= _QUICK_WINDOW
        return not (quick or self.wishes.swa_cache == "window")

    def _is_all(self, found: Arrangement) -> bool:
        """Whether nothing was given up, and no sequence could make use of more cells."""
        wanted, cells = self.wanted, self.wishes.kv_tokens
        all_cells = cells or self.wishes.context_length * self.wishes.parallel
        best = (wanted.context_length, wanted.gpu_layers, -wanted.cpu_moe, whole_cells(all_cells))
        return _worth(found) >= best

    def _with_context(self, wanted: Options) -> Arrangement | None:
        found = self._filled(wanted)
        if found or not self.gpus or self.wishes.require_gpu:
            return found
        count = len(self.subject.facts.layers)
        if self.subject.facts.experts and self.wishes.cpu_moe is None:
            # fewer experts on the CPU are more on the GPU, which is what may not fit
            on_gpu = largest(0, count, lambda n: self._possible(_moe(wanted, count - n)))
            if on_gpu is not None:
                return self._filled(_moe(wanted, count - on_gpu))
            wanted = _moe(wanted, count)
        if self.wishes.asked_layers:
            return None
        layers = largest(
            0, wanted.gpu_layers, lambda n: self._possible(replace(wanted, gpu_layers=n))
        )
        return None if layers is None else self._filled(replace(wanted, gpu_layers=layers))

    def _possible(self, options: Options) -> bool:
        return self.fits(self._made(options, self._least_cells(options), 0).uses)

    def _filled(self, options: Options) -> Arrangement | None:
        """Return the arrangement with as many cells as fit."""
        least, most, shelf = self._least_cells(options), self.cells(options), self.shelf()

        def fits(cells: int, shelf: int) -> bool:
            return self.fits(self._made(options, cells, shelf).uses)

        kept = largest(0, shelf // _SHELF_STEP, lambda n: fits(least, n * _SHELF_STEP))
        if kept is None:
            return None
        shelf = shelf if fits(least, shelf) else kept * _SHELF_STEP
        cells = largest(least, most, lambda n: fits(n, shelf), CELL_STEP)
        return self._made(options, cells or least, shelf)

    def _least_cells(self, options: Options) -> int:
        if not self.wishes.generates:
            return 0
        return whole_cells(self.wishes.kv_tokens or options.context_length)

    def _made(self, options: Options, cells: int, shelf: int) -> Arrangement:
        shape, placing = self._shape(options, cells), self._placing(options)
        plain = layout(self.subject, shape, placing, shelf)
        uses = corrected(plain, self._lessons, shape_key(shape, placing))
        return Arrangement(shape, placing, shelf, uses)

    def _shape(self, options: Options, cells: int) -> Shape:
        wishes = self.wishes
        return Shape(
            context_length=options.context_length,
            parallel=wishes.parallel,
            cells=cells,
            kv_type=wishes.kv_type,
            batch=wishes.batch,
            prefixes=wishes.prefixes,
            rows=wishes.rows,
            flash=wishes.flash,
            generates=wishes.generates,
            ranks=wishes.ranks,
            gpu=bool(self.gpus and options.gpu_layers),
            media=bool(self.subject.extras.projector),
            full_windows=options.full_windows,
        )

    def _placing(self, options: Options) -> Placing:
        gpus = self.gpus if options.gpu_layers else ()
        return Placing(
            gpu_layers=options.gpu_layers,
            gpus=gpus,
            split=self.split if gpus else (),
            cpu_moe=options.cpu_moe if gpus else 0,
            mapped=self.wishes.mmap,
            repacked=frozenset() if gpus else self._repacked,
        )

    def _cells_size(self, options: Options, cells: int) -> int:
        uses = self._made(options, cells, 0).uses
        return sum(use.parts.kv_cache for use in uses)


def shape_key(shape: Shape, placing: Placing) -> str:
    """Return what two loads must have in common to take the same."""
    values = (
        shape.context_length,
        shape.parallel,
        shape.cells,
        shape.kv_type,
        shape.batch,
        shape.prefixes,
        shape.rows,
        int(shape.flash),
        int(shape.generates),
        int(shape.media),
        int(shape.full_windows),
        placing.gpu_layers,
        ",".join(placing.gpus),
        placing.cpu_moe,
        int(placing.mapped),
    )
    return "/".join(map(str, values))


def _worth(found: Arrangement, scale: float = 1.0) -> tuple[float, ...]:
    """Return what an arrangement has, what matters most first; `scale` its cells."""
    shape, placing = found.shape, found.placing
    return shape.context_length, placing.gpu_layers, -placing.cpu_moe, shape.cells * scale


def _moe(options: Options, layers: int) -> Options:
    return replace(options, cpu_moe=layers)
