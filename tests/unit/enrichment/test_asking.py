"""Profiles from platforms that behave like the real ones: slow, failing, rate-limiting, lying.

Real: HTTP, over a local server. Nothing is replaced.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stamina

from streams.channel_file import Enrichment
from streams.channels.document import Document
from streams.enrichment.asking import Asker, DeniedError, LaterError
from streams.enrichment.pictures import NoPictureError
from streams.enrichment.profiles import Ask, Profile, Step, first_step
from tests.platform_server import PNG, Answer, Platform, platform

PLENTY = 10_000


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    """Have retries come at once."""
    with stamina.set_testing(True, attempts=3):
        yield


def asked(work: Callable[[Asker], Any], **options: Any) -> Any:
    async def run() -> Any:
        asker = Asker(**options)
        try:
            return await work(asker)
        finally:
            await asker.close()

    return asyncio.run(run())


def profile_of(settings: Enrichment, name: str, person: str) -> tuple[Profile, bytes | None]:
    async def work(asker: Asker) -> tuple[Profile, bytes | None]:
        step = first_step(settings, name, person)
        while True:
            reached = step.then(await asker.answer("c", PLENTY, step.ask))
            if isinstance(reached, Profile):
                break
            step = reached
        if reached.picture is None:
            return reached, None
        return reached, await asker.picture("c", PLENTY, reached.picture)

    found: tuple[Profile, bytes | None] = asked(work)
    return found


def settings(known: Platform, **fields: Any) -> Enrichment:
    return Enrichment(api_key="SECRET-KEY", api_url=known.url, **fields)


def test_telegram_a_photo_is_three_calls_and_the_token_is_in_each() -> None:
    answers: dict[str, dict[str, Any]] = {
        "getUserProfilePhotos": {"result": {"photos": [[{"file_id": "s"}, {"file_id": "l"}]]}},
        "getFile": {"result": {"file_path": "photos/1.jpg"}},
    }

    def route(path: str) -> Answer:
        if "/file/" in path:
            return Answer(PNG)
        return Answer(next(body for name, body in answers.items() if name in path))

    with platform(route) as known:
        _, picture = profile_of(settings(known), "telegram", "5100000201")
    assert picture == PNG
    assert all("/botSECRET-KEY/" in path for _, path, _ in known.calls)
    assert "file_id=l" in known.calls[1][1]


@pytest.mark.parametrize(
    ("name", "person", "path", "header", "field"),
    [
        (
            "evolution",
            "447700900201@s.whatsapp.net",
            "/chat/fetchProfilePictureUrl/main",
            "apikey",
            "profilePictureUrl",
        ),
        (
            "waha",
            "+447700900201",
            "contactId=447700900201%40c.us&session=main",
            "x-api-key",
            "profilePictureURL",
        ),
        (
            "zapi",
            "447700900201",
            "/token/SECRET-KEY/profile-picture?phone=447700900201",
            "client-token",
            "link",
        ),
        (
            "messenger",
            "7400000000000201",
            "/7400000000000201?fields=name,profile_pic",
            "authorization",
            "profile_pic",
        ),
    ],
)
def test_gateways_and_meta_are_asked_in_their_own_way(
    name: str, person: str, path: str, header: str, field: str
) -> None:
    def route(called: str) -> Answer:
        return Answer(PNG) if called == "/p.png" else Answer({field: f"{known.url}/p.png"})

    with platform(route) as known:
        _, picture = profile_of(settings(known, instance="main", client_token="T"), name, person)
    assert picture == PNG
    assert path in known.calls[0][1]
    assert header in known.calls[0][2]


@pytest.mark.parametrize(
    "photos", [None, [], [[]], [None], ["x"], {"0": 1}, [[{"file_id": 7}]], [[{}]], 5, "ab"]
)
def test_telegram_photos_of_any_shape_raise_nothing(photos: Any) -> None:
    step = first_step(Enrichment(api_key="k"), "telegram", "5100000201")
    assert isinstance(step.then(Document({"result": {"photos": photos}})), Step | Profile)


@pytest.mark.parametrize("body", [{}, {"profilePictureUrl": None}, b"<html>", b"[]", b""])
def test_nobody_s_picture_is_an_answer_and_no_error(body: Any) -> None:
    with platform(lambda _: Answer(body)) as known:
        profile, picture = profile_of(settings(known), "evolution", "447700900201")
    assert (profile.picture, picture) == (None, None)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://evil.example/p.png",
        "https://whatsapp.net.evil.example/p.png",
        "http://pps.whatsapp.net/p.png",
        "file:///etc/passwd",
        "https://[::1",
    ],
)
def test_an_answer_cannot_send_us_elsewhere(url: str) -> None:
    step = first_step(Enrichment(api_key="k", api_url="https://evo.example"), "evolution", "44")
    reached = step.then(Document({"profilePictureUrl": url}))
    assert reached == Profile()


def test_a_whatsapp_picture_is_fetched_from_its_own_host() -> None:
    step = first_step(Enrichment(api_key="k", api_url="https://evo.example"), "evolution", "44")
    reached = step.then(Document({"profilePictureUrl": "https://pps.whatsapp.net/v/x.jpg?oh=1"}))
    assert not isinstance(reached, Step)
    assert reached.picture == Ask("GET", "https://pps.whatsapp.net/v/x.jpg?oh=1")


def test_a_hiccup_is_tried_again_at_once() -> None:
    statuses = iter([503, 500, 200])
    with platform(lambda _: Answer({"ok": 1}, status=next(statuses))) as known:
        url = known.url
        answer = asked(lambda asker: asker.answer("c", PLENTY, Ask("GET", url)))
    assert answer.number("ok") == 1
    assert len(known.calls) == 3


def test_a_platform_that_is_too_slow_is_asked_later() -> None:
    with platform(lambda _: Answer({}, slow_seconds=0.5)) as known:
        url = known.url
        with pytest.raises(LaterError, match="Timeout"):
            asked(lambda asker: asker.answer("c", PLENTY, Ask("GET", url)), answer_seconds=0.05)


def test_a_picture_that_comes_too_slowly_is_asked_for_later() -> None:
    with platform(lambda _: Answer(PNG, slow_seconds=0.5)) as known:
        url = known.url
        with pytest.raises(LaterError, match="Timeout"):
            asked(lambda asker: asker.picture("c", PLENTY, Ask("GET", url)), answer_seconds=0.05)


def test_an_answer_that_drips_is_given_up_as_a_whole_and_asked_for_later() -> None:
    # Never silent long enough for the client's own limit, which would let it be read to its end.
    with platform(lambda _: Answer(PNG, byte_seconds=0.02)) as known:
        url = known.url
        with pytest.raises(LaterError, match="failed to answer"):
            asked(
                lambda asker: asker.picture("c", PLENTY, Ask("GET", url)),
                answer_seconds=5.0,
                whole_seconds=0.1,
            )
    assert len(known.calls) == 3


def test_a_platform_that_asks_for_patience_is_given_it_and_not_asked_again() -> None:
    with platform(lambda _: Answer(status=429, headers={"Retry-After": "17"})) as known:
        url = known.url
        with pytest.raises(LaterError) as later:
            asked(lambda asker: asker.answer("c", PLENTY, Ask("GET", url)))
    assert later.value.seconds == 17
    assert len(known.calls) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
def test_what_is_denied_is_not_asked_again(status: int) -> None:
    headers = {"Location": "http://127.0.0.1:1/"}
    with platform(lambda _: Answer(status=status, headers=headers)) as known:
        url = known.url
        with pytest.raises(DeniedError, match=str(status)):
            asked(lambda asker: asker.answer("c", PLENTY, Ask("GET", url)))
    assert len(known.calls) == 1


def test_a_channel_that_fails_is_left_alone_and_the_others_are_not() -> None:
    async def work(asker: Asker) -> list[str]:
        said = []
        for channel in ["bad"] * 7 + ["good"]:
            try:
                await asker.answer(channel, PLENTY, Ask("GET", f"{known.url}/{channel}"))
                said.append("answered")
            except LaterError as error:
                said.append(str(error))
        return said

    def route(path: str) -> Answer:
        return Answer({}, status=500 if path == "/bad" else 200)

    with platform(route) as known:
        said = asked(work)
    assert said[-1] == "answered"
    assert "left alone" in said[-2]
    assert len([path for _, path, _ in known.calls if path == "/bad"]) < 7 * 3


def test_a_channels_rate_is_kept() -> None:
    async def work(asker: Asker) -> int:
        answered = 0
        for _ in range(5):
            try:
                await asker.answer("c", 2, Ask("GET", known.url))
                answered += 1
            except LaterError:
                continue
        return answered

    with platform(lambda _: Answer({})) as known:
        assert asked(work) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(PNG, length=10_000_000), LaterError),  # announced, and never sent
        (Answer(PNG + b"x" * 3_000_000, length=3_000_148), NoPictureError),
        (Answer(b"<svg/>"), NoPictureError),
    ],
)
def test_a_picture_that_is_none_or_too_large_or_cut_is_not_kept(
    answer: Answer, error: type[Exception]
) -> None:
    with platform(lambda _: answer) as known:
        url = known.url
        with pytest.raises(error):
            asked(lambda asker: asker.picture("c", PLENTY, Ask("GET", url)))


def test_nobody_at_the_address_is_asked_later_and_the_secret_is_said_nowhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    nowhere = Ask("GET", "http://127.0.0.1:1/botSECRET-KEY/getFile")
    with pytest.raises(LaterError) as later:
        asked(lambda asker: asker.answer("c", PLENTY, nowhere))
    assert "SECRET" not in str(later.value)
    ours = [r.getMessage() for r in caplog.records if r.name.startswith(("streams", "stamina"))]
    assert "SECRET" not in " ".join(ours)
