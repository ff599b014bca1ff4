"""Pictures and sounds of requests, with random models of every kind that differs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from llmd.engine.bindings import Model, start_backend, start_media
from llmd.engine.vision import Media, open_media
from llmd.errors import ContextOverflow, InvalidRequest, LoadFailed
from llmd.protocol.frames import Senses
from tests.fakes.media_files import picture, sound
from tests.unit.engine.conftest import load_order

VisionFiles = Callable[[str], tuple[Path, Path]]
OpenMedia = Callable[..., Media]
CACHE = 10**6


def never() -> bool:
    return False


@pytest.fixture
def open_kind(vision_files: VisionFiles) -> Iterator[OpenMedia]:
    made: list[Media | Model] = []

    def open_one(
        kind: str = "tiled", length: int = 512, log: list[str] | None = None, **changes: object
    ) -> Media:
        start_backend(lambda *_: None)
        start_media(lambda *_: None)
        path, projector = vision_files(kind)
        model = Model.load(str(path), gpu_layers=0, progress=lambda _: None)
        assert model
        senses = Senses(str(projector), 100_000, 60, CACHE)
        load = load_order(path, senses=senses, **changes)
        lines = [] if log is None else log
        made.append(model)
        media = open_media(load, model, 1, length, lambda _, text: lines.append(text))
        made.insert(0, media)
        return media

    yield open_one
    for each in made:
        each.close()


@pytest.mark.parametrize(
    ("kind", "texts", "positions", "cells"),
    [
        ("tiled", 6, [4] * 5, [4] * 5),
        ("mrope", 2, [4], [12]),
        ("noncausal", 2, [4], [4]),
        ("both", 6, [4] * 5, [4] * 5),
    ],
)
def test_a_picture_stands_among_the_tokens(
    open_kind: OpenMedia, kind: str, texts: int, positions: list[int], cells: list[int]
) -> None:
    media = open_kind(kind)
    (shown,) = media.encode([picture()], ["it"], never)
    tokens, spans = media.tokenize(["a", shown, "b"])
    assert [span.end - span.start for span in spans] == positions
    assert [len(span.embeddings) for span in spans] == cells
    inside = {at for span in spans for at in range(span.start, span.end)}
    assert {at for at, token in enumerate(tokens) if token < 0} == inside
    assert all(np.isfinite(span.embeddings).all() for span in spans)


def test_the_same_content_has_the_same_tokens_and_other_content_others(
    open_kind: OpenMedia,
) -> None:
    media = open_kind("noncausal")
    files = [picture(1), picture(2), picture(1)]
    shown = media.encode(files, ["a", "b", "c"], never)
    assert shown[0] is shown[2]
    tokens, _ = media.tokenize(["x", *shown])
    made_up = [token for token in tokens if token < 0]
    assert made_up[:4] == made_up[8:]
    assert made_up[:4] != made_up[4:8]
    assert media.tokenize(["x", shown[0]])[0] == tokens[:7]


def test_the_same_tile_in_another_place_is_another_run_of_tokens(open_kind: OpenMedia) -> None:
    media = open_kind("tiled")
    (shown,) = media.encode([picture()], ["it"], never)
    tokens, spans = media.tokenize([shown])
    runs = {tuple(tokens[span.start : span.end]) for span in spans}
    assert len(runs) == len(spans)


def test_the_tokens_of_a_picture_depend_on_the_projector_file(
    open_kind: OpenMedia, vision_files: VisionFiles
) -> None:
    first, projector = open_kind("noncausal"), vision_files("noncausal")[1]
    before = first.tokenize(first.encode([picture()], ["it"], never))[0]
    os.utime(projector, (1, 1))
    second = open_kind("noncausal")
    after = second.tokenize(second.encode([picture()], ["it"], never))[0]
    assert [token < 0 for token in before] == [token < 0 for token in after]
    assert before != after


def test_what_was_encoded_is_not_encoded_again(open_kind: OpenMedia) -> None:
    lines: list[str] = []
    media = open_kind("tiled", log=lines)
    for _ in range(3):
        media.encode([picture(1), picture(2)], ["a", "b"], never)
    assert len(lines) == 2
    assert "encoded a picture: 20 tokens" in lines[0]


def test_sounds_are_heard(open_kind: OpenMedia) -> None:
    media = open_kind("both")
    heard = media.encode([sound(form=form) for form in ("WAV", "MP3", "FLAC")], list("abc"), never)
    tokens, spans = media.tokenize(["x", *heard])
    assert [span.end - span.start for span in spans] == [75] * 3
    assert len(tokens) == 1 + 3 * 75
    assert not np.allclose(heard[0].embeddings[0], heard[1].embeddings[0])


@pytest.mark.parametrize(
    ("kind", "file", "reason"),
    [
        ("audio", picture(), "takes no pictures"),
        ("tiled", sound(), "takes no sounds"),
        ("tiled", b"text", "cannot be decoded"),
        ("tiled", picture(size=(1000, 1000)), "100000 are allowed"),
        ("audio", sound(61), "longer than 60 s"),
        ("audio", b"ID3", "cannot be decoded"),
    ],
)
def test_what_the_model_cannot_take_is_refused_by_name(
    open_kind: OpenMedia, kind: str, file: bytes, reason: str
) -> None:
    media = open_kind(kind)
    with pytest.raises(InvalidRequest, match=reason) as caught:
        media.encode([file], ["messages[3].content[1]"], never)
    assert caught.value.param == "messages[3].content[1]"


def test_more_than_the_context_holds_is_refused_before_it_is_encoded(open_kind: OpenMedia) -> None:
    lines: list[str] = []
    media = open_kind("tiled", length=50, log=lines)
    with pytest.raises(ContextOverflow) as caught:
        media.encode([picture(n) for n in range(3)], ["a", "b", "c"], never)
    assert caught.value.param == "c"
    assert caught.value.details == {"needed": 20, "available": 10}
    assert len(lines) == 2


def test_a_picture_that_must_be_read_whole_needs_a_batch_of_its_size(open_kind: OpenMedia) -> None:
    media = open_kind("noncausal", batch=2)
    with pytest.raises(InvalidRequest, match="a step holds 2") as caught:
        media.encode([picture()], ["it"], never)
    assert "engine.batch" in caught.value.hint


def test_a_cancelled_request_is_given_up_between_files_and_patches(open_kind: OpenMedia) -> None:
    media = open_kind("tiled")
    answers = iter([False, False, False, True])
    files = [picture(n) for n in range(3)]
    assert media.encode(files, ["a", "b", "c"], lambda: next(answers)) == []
    answers = iter([False, *[False] * 5, True])
    assert len(media.encode(files, ["a", "b", "c"], lambda: next(answers))) == 1


def test_a_request_that_waits_for_others_to_let_go_can_be_cancelled(open_kind: OpenMedia) -> None:
    media = open_kind("tiled")
    media.cache._limit = 0
    held = media.encode([picture()], ["a"], never)
    polls = iter([False, True])
    assert media.encode([picture()], ["a"], lambda: next(polls)) == []
    assert len(held) == 1


def test_a_projector_that_does_not_fit_is_named(
    vision_files: VisionFiles, tiny_model: Path
) -> None:
    start_backend(lambda *_: None)
    start_media(lambda *_: None)
    model = Model.load(str(tiny_model), gpu_layers=0, progress=lambda _: None)
    assert model
    path = str(vision_files("tiled")[1])
    load = load_order(tiny_model, senses=Senses(path, 1, 1, 1))
    with pytest.raises(LoadFailed) as caught:
        open_media(load, model, 1, 512, lambda *_: None)
    model.close()
    assert path in caught.value.message
    assert "--mmproj" in caught.value.hint
