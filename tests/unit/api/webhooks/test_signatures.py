"""Signatures against the vectors that were made with each platform's own code, and what is left
of them when one byte is another. Nothing here is a fake.
"""

import hashlib
import hmac
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from api.webhooks.signatures import VERIFIERS, Call, refusal
from streams.topics import PLATFORMS
from tests.examples import examples
from tests.unit.api.webhooks.calls import NOW_SECONDS, VECTORS, call_of, platform_of

RIGHT = [vector for vector in VECTORS if vector["valid"]]
DAY_SECONDS = 24 * 60 * 60


def judged(vector: dict[str, Any], call: Call | None = None, *secrets: str) -> str | None:
    """Return the verdict on a vector's call, or on this one in its place."""
    return refusal(
        platform_of(vector), call or call_of(vector), secrets or (vector["secret"],), NOW_SECONDS
    )


def with_headers(call: Call, **headers: str | None) -> Call:
    """Return the call with these headers in place of its own."""
    left = {name: text for name, text in {**call.headers, **headers}.items() if text is not None}
    return Call(call.method, call.url, left, call.body)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['scheme']} {v['file']}")
def test_a_vector_is_judged_as_its_platform_judges_it(vector: dict[str, Any]) -> None:
    assert (judged(vector) is None) == vector["valid"]


@pytest.mark.parametrize("vector", RIGHT, ids=lambda v: f"{v['scheme']} {v['file']}")
def test_a_call_without_its_signature_is_refused(vector: dict[str, Any]) -> None:
    if vector["header"]:
        call = with_headers(call_of(vector), **{vector["header"].lower(): None})
    else:
        whole = call_of(vector)
        call = Call("POST", whole.url, whole.headers, whole.body.rpartition(b"&sig=")[0])
    assert judged(vector, call) == "signature_missing"


@pytest.mark.parametrize("vector", RIGHT, ids=lambda v: f"{v['scheme']} {v['file']}")
@given(data=st.data())
@settings(max_examples=examples(6), deadline=None)
def test_one_other_byte_of_secret_header_or_body_is_refused(
    vector: dict[str, Any], data: st.DataObject
) -> None:
    call = call_of(vector)
    is_token = vector["scheme"] in {"telegram", "rocketchat"}
    places = ["secret", "header"] if is_token else ["secret", "header", "body"]
    place = data.draw(st.sampled_from(places if vector["header"] else ["secret", "body"]))
    if place == "secret":
        other = _mutated(vector["secret"].encode(), data)
        assert judged(vector, call, other.decode("latin-1")) == "signature_wrong"
    elif place == "header":
        name = vector["header"].lower()
        given_text = _mutated(vector["value"].encode(), data).decode("latin-1")
        refused = judged(vector, with_headers(call, **{name: given_text}))
        assert refused in {"signature_wrong", "signature_missing"}
    else:
        body = _mutated(call.body, data)
        # Another spelling of the same fields is the same to a signature over fields.
        assume(vector["scheme"] not in {"twilio", "vonage-sms"} or _differs(call.body, body))
        assert judged(vector, Call(call.method, call.url, call.headers, body)) is not None


def _mutated(text: bytes, data: st.DataObject) -> bytes:
    """Return the text with one byte changed, added or taken away."""
    how = data.draw(st.sampled_from(["change", "add", "drop"]))
    at = data.draw(st.integers(0, max(0, len(text) - 1)))
    byte = bytes([data.draw(st.integers(33, 255))])
    assume(text[at : at + 1] != byte)
    if how == "add":
        return text[:at] + byte + text[at:]
    if not text:
        return byte
    return text[:at] + (byte if how == "change" else b"") + text[at + 1 :]


def _differs(one: bytes, other: bytes) -> bool:
    def signed(body: bytes) -> str:
        text = body.decode("utf-8", "replace")
        found = sorted(set(parse_qsl(text, keep_blank_values=True)))
        # Twilio signs names and values run together: it does not see where one ends.
        return "".join(n + v.replace("&", "_").replace("=", "_") for n, v in found)

    return signed(one) != signed(other)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nothing_is_let_in_where_no_secret_is_set(platform: str) -> None:
    call = Call("POST", "https://x/?token=", {"authorization": "Bearer "}, b"{}")
    assert refusal(platform, call, (), NOW_SECONDS) == "signature_missing"
    assert refusal(platform, call, ("",), NOW_SECONDS) == "signature_missing"


@pytest.mark.parametrize("platform", PLATFORMS)
@given(
    headers=st.dictionaries(
        st.sampled_from(
            [
                *("x-hub-signature-256", "x-hub-signature", "x-twilio-signature", "authorization"),
                *("x-chatwoot-signature", "x-chatwoot-timestamp", "x-crisp-signature"),
                *("x-crisp-request-timestamp", "x-webhook-hmac", "content-type"),
            ]
        ),
        st.text(max_size=40),
    ),
    body=st.binary(max_size=60),
    query=st.text(max_size=30),
    method=st.sampled_from(["GET", "POST"]),
)
@settings(max_examples=examples(10), deadline=None)
def test_whatever_a_stranger_sends_is_refused_and_never_raises(
    platform: str, headers: dict[str, str], body: bytes, query: str, method: str
) -> None:
    call = Call(method, f"https://hooks.example.com/x?{query}", headers, body)
    assert refusal(platform, call, ("a-long-secret",), NOW_SECONDS) is not None


def test_both_secrets_are_right_while_one_replaces_the_other() -> None:
    vector = RIGHT[0]
    assert judged(vector, None, "the-new-one", vector["secret"]) is None


def test_the_port_may_have_been_added_or_dropped_on_the_way() -> None:
    vector = next(v for v in RIGHT if v["scheme"] == "twilio")
    call = call_of(vector)
    with_port = call.url.replace("example.com", "example.com:443")
    assert judged(vector, Call(call.method, with_port, call.headers, call.body)) is None
    elsewhere = call.url.replace("ingest.", "ingest2.")
    assert judged(vector, Call(call.method, elsewhere, call.headers, call.body)) is not None


def test_a_json_body_of_twilio_must_be_the_one_its_address_names() -> None:
    vector = next(v for v in RIGHT if v["scheme"] == "twilio-json")
    call = call_of(vector)
    other = Call(call.method, call.url, call.headers, call.body + b" ")
    assert judged(vector, other) == "signature_wrong"


@pytest.mark.parametrize("platform", ["chatwoot", "crisp"])
def test_a_signature_is_of_its_time(platform: str) -> None:
    def call(timestamp: int | str, signed_at: int | str) -> Call:
        body = b'{"event":"x"}'
        is_crisp = platform == "crisp"
        signed = (
            f"[{signed_at};".encode() + body + b"]" if is_crisp else f"{signed_at}.".encode() + body
        )
        digest = hmac.new(b"secret", signed, hashlib.sha256).hexdigest()
        if is_crisp:
            headers = {"x-crisp-signature": digest, "x-crisp-request-timestamp": str(timestamp)}
        else:
            headers = {
                "x-chatwoot-signature": f"sha256={digest}",
                "x-chatwoot-timestamp": str(timestamp),
            }
        return Call("POST", "https://x/", headers, body)

    def verdict(timestamp: int | str, signed_at: int | str) -> str | None:
        return refusal(platform, call(timestamp, signed_at), ("secret",), NOW_SECONDS)

    assert verdict(NOW_SECONDS, NOW_SECONDS) is None
    assert verdict(NOW_SECONDS * 1000, NOW_SECONDS * 1000) is None
    assert verdict(NOW_SECONDS, NOW_SECONDS - 1) == "signature_wrong"
    assert verdict(NOW_SECONDS - DAY_SECONDS, NOW_SECONDS - DAY_SECONDS) is None
    old = NOW_SECONDS - 2 * DAY_SECONDS
    assert verdict(old, old) == "signature_stale"
    ahead = NOW_SECONDS + DAY_SECONDS
    assert verdict(ahead, ahead) == "signature_stale"
    assert verdict("soon", "soon") == "signature_missing"


def test_vonage_signs_what_it_sends_by_get_and_as_json_too() -> None:
    vector = next(v for v in RIGHT if v["scheme"] == "vonage-sms")
    form = call_of(vector)
    query = form.body.decode()
    assert judged(vector, Call("GET", f"https://x/?{query}", {}, b"")) is None
    fields = dict(pair.split("=") for pair in query.split("&"))
    fields = {name: text.replace("+", " ").replace("%3A", ":") for name, text in fields.items()}
    body = msgspec.json.encode(fields)
    assert (
        judged(vector, Call("POST", "https://x/", {"content-type": "application/json"}, body))
        is None
    )


def test_a_gateway_that_signs_nothing_proves_itself_by_its_token() -> None:
    for platform in ("evolution", "zapi"):
        assert platform not in VERIFIERS
        bearer = Call("POST", "https://x/", {"authorization": "Bearer s3cret"}, b"{}")
        assert refusal(platform, bearer, ("s3cret",), NOW_SECONDS) is None
        in_address = Call("POST", "https://x/?token=s3cret", {}, b"{}")
        assert refusal(platform, in_address, ("s3cret",), NOW_SECONDS) is None
        wrong = Call("POST", "https://x/?token=s3cres", {}, b"{}")
        assert refusal(platform, wrong, ("s3cret",), NOW_SECONDS) == "signature_wrong"


def test_postmark_proves_itself_by_the_password_in_the_address_it_was_given() -> None:
    credentials = b64encode(b"hook:p4ss").decode()
    call = Call("POST", "https://x/", {"authorization": f"Basic {credentials}"}, b"{}")
    assert refusal("postmark", call, ("hook:p4ss",), NOW_SECONDS) is None
    assert refusal("postmark", call, ("hook:other",), NOW_SECONDS) == "signature_wrong"
