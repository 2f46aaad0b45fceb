"""Letters as Postmark delivers them, in detail."""

import json
from typing import Any

import pytest

from streams.channels.delivery import Delivery
from streams.channels.markup import text_of_html
from streams.channels.postmark import read
from streams.channels.reading import Reading
from tests.hard_cases.deployment import Deployment
from tests.unit.channels.samples import RECEIVED_AT_MS, samples

SAMPLES = {sample.path.partition("/")[2]: sample for sample in samples("postmark")}


def reading(name: str) -> Reading:
    return read(SAMPLES[f"postmark_{name}.json"].delivery())


def letter(own_ids: frozenset[str] = frozenset(), **fields: Any) -> Reading:
    body = {"From": "ana@example.org", "MessageID": "L1", "TextBody": "hi"} | fields
    return read(
        Delivery("acme", "mail-1", json.dumps(body).encode(), RECEIVED_AT_MS, own_ids=own_ids)
    )


def test_a_letter_is_its_senders_with_their_name_and_the_moment_it_says() -> None:
    (message,) = reading("text").messages
    assert (message.from_, message.context.profile_name) == ("amelia@example.org", "Amelia Hart")
    assert message.timestamp == "2026-09-01T00:00:00+00:00"


def test_an_answer_is_the_same_persons_in_other_letters_and_names_its_conversation() -> None:
    deployment = Deployment()
    for name in ("text", "reply_plus_address"):
        deployment.receive_at(RECEIVED_AT_MS, *reading(name).messages)
    assert deployment.customer().display_name == "Amelia Hart"
    assert reading("reply_plus_address").messages[0].conversation_id == "conv31"


def test_a_forms_letter_is_whom_an_answer_reaches_and_not_the_forms() -> None:
    (message,) = reading("on_behalf_reply_to").messages
    assert (message.from_, message.context.profile_name) == ("jordan@example.org", None)


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Auto-Submitted": "auto-generated"}, "not_a_person"),
        ({"auto-submitted": "Auto-Replied; x=y"}, "not_a_person"),
        ({"Return-Path": "<>"}, "not_a_person"),
        ({"List-Id": "<weekly.example.net>"}, "crowd"),
        ({"Precedence": "Bulk"}, "crowd"),
    ],
)
def test_what_no_person_wrote_is_noted(headers: dict[str, str], kind: str) -> None:
    found = letter(Headers=[{"Name": name, "Value": value} for name, value in headers.items()])
    assert not found.messages
    assert [notice.kind for notice in found.notices] == [kind]


def test_a_header_that_says_no_is_a_persons_letter() -> None:
    assert letter(Headers=[{"Name": "Auto-Submitted", "Value": "no"}]).messages


def test_the_business_s_own_address_is_nobody() -> None:
    assert not letter(own_ids=frozenset({"ana@example.org"})).messages


def test_a_letter_in_html_alone_is_read_as_its_words() -> None:
    (message,) = letter(
        TextBody="", HtmlBody="<style>p{}</style><p>Hi &amp;</p><p>bye</p>"
    ).messages
    assert message.content.text == "Hi &\nbye"


@pytest.mark.parametrize("html", ["", "<", "<p", "&#xFFFFFFFF;", "<script>alert(1)"])
def test_html_that_is_broken_is_read_as_far_as_it_goes(html: str) -> None:
    assert text_of_html(html) in {None, "<", "<p", "\ufffd", "&#xFFFFFFFF;"}


def test_a_letter_of_nobody_says_what_is_missing() -> None:
    assert "From" in letter(From="").unreadable[0].detail
