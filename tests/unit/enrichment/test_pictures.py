"""Pictures are kept by what they show, and only pictures are."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrichment.pictures import LARGEST_BYTES, NoPictureError, Pictures, kind_of, picture_in
from tests.platform_server import PNG


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "jpg"),
        (PNG, "png"),
        (b"GIF89a..", "gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "webp"),
    ],
)
def test_a_picture_is_known_by_its_first_bytes(start: bytes, kind: str) -> None:
    assert kind_of(start) == kind


@pytest.mark.parametrize(
    "body", [b"", b"<svg onload=alert(1)>", b"<html>", b"RIFF....WAVE", b"%PDF"]
)
def test_what_only_claims_to_be_a_picture_is_not_kept(body: bytes) -> None:
    with pytest.raises(NoPictureError):
        asyncio.run(picture_in(chunks(body)))


def test_a_picture_without_end_is_not_read_to_its_end() -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield PNG + b"x" * 65_536

    with pytest.raises(NoPictureError, match="more than"):
        asyncio.run(picture_in(endless()))
    assert read < LARGEST_BYTES // 65_536 + 2


@given(st.lists(st.binary(max_size=50)))
def test_the_same_picture_is_kept_once_under_one_name(parts: list[bytes]) -> None:
    picture = asyncio.run(picture_in(chunks(PNG, *parts)))
    assert picture == PNG + b"".join(parts)


def test_a_picture_can_be_read_by_its_name_and_be_removed(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path)
    name = pictures.keep(PNG)
    assert pictures.keep(PNG) == name
    assert pictures.path(name).read_bytes() == PNG
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [name]
    pictures.remove(name)
    pictures.remove(name)
    assert not pictures.path(name).exists()
