"""The signature vectors of tests/payloads as calls."""

import json
from typing import Any, Final
from urllib.parse import urlencode

from api.webhooks.signatures import Call
from tests.unit.channels.samples import FOLDER

NOW_SECONDS: Final = 1_788_220_830
_PLATFORMS: Final = {"meta": "whatsapp", "twilio-json": "twilio", "vonage-sms": "vonage"}
_FORMS: Final = frozenset({"twilio", "vonage-sms"})

VECTORS: Final[list[dict[str, Any]]] = json.loads((FOLDER / "SIGNATURES.json").read_text())[
    "vectors"
]


def platform_of(vector: dict[str, Any]) -> str:
    """Return the platform whose rule the vector is of."""
    scheme: str = vector["scheme"]
    return _PLATFORMS.get(scheme, scheme)


def call_of(vector: dict[str, Any]) -> Call:
    """Return the call as the platform makes it."""
    body = (FOLDER / vector["file"]).read_bytes()
    headers = {}
    if vector["scheme"] in _FORMS:
        fields = json.loads(body)
        if parameter := vector.get("param"):
            fields[parameter] = vector["value"]
        body = urlencode(fields).encode()
        headers["content-type"] = "application/x-www-form-urlencoded"
    if vector["header"]:
        headers[vector["header"].lower()] = vector["value"]
    return Call("POST", vector.get("url", "https://hooks.example.com/x"), headers, body)
