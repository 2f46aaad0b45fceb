"""Every sample payload through its adapter and the core: the effect that INDEX.json promises.

Real: adapters, `normalise`, the identity nodes. What spans several samples is tested beside each
platform's adapter.
"""

import pytest

from streams.channels.adapters import ADAPTERS
from streams.channels.reading import Reading
from tests.hard_cases.deployment import Deployment
from tests.unit.channels.samples import RECEIVED_AT_MS, Sample, samples

# Their effect is what an earlier sample made of it: tested beside the platform's adapter.
_NEED_AN_EARLIER_ONE = frozenset(
    {
        "twilio/sms_duplicate_2.json",  # the same message again
        "whatsapp_cloud/duplicate_rebatched.json",  # an old message beside a new one
        "vonage/sms_concat_2_of_2.json",  # the second half of a message
        "webchat/rocketchat_session_close.json",  # the transcript of what was said before
    }
)
ALL = [
    sample
    for sample in samples()
    if sample.platform in ADAPTERS and sample.path not in _NEED_AN_EARLIER_ONE
]
# Somebody sent, but no person whom one could answer: the core sets these aside.
_OF_NOBODY = frozenset(
    {
        "twilio/sms_anonymous_sender.json",  # withheld: all of them would share one number
        "twilio/sms_short_code_sender.json",
        "vonage/sms_roaming_alpha_sender.json",
    }
)
_ids = [sample.path for sample in ALL]


def _read(sample: Sample) -> Reading:
    return ADAPTERS[sample.platform](sample.delivery(own_ids=frozenset({"+12025550100"})))


def _deployment_after(reading: Reading) -> Deployment:
    deployment = Deployment()
    deployment.receive_at(RECEIVED_AT_MS, *reading.messages)
    return deployment


@pytest.mark.parametrize("sample", ALL, ids=_ids)
def test_a_body_adds_as_many_messages_of_people_as_people_wrote(sample: Sample) -> None:
    deployment = _deployment_after(_read(sample))
    written = [f for f in deployment.facts().values() if f.direction == "inbound"]
    if sample.path in _OF_NOBODY:
        assert (written, len(deployment.rejections)) == ([], sample.inbound_messages)
    else:
        assert len(written) == sample.inbound_messages


@pytest.mark.parametrize("sample", ALL, ids=_ids)
def test_a_body_makes_a_customer_only_where_somebody_was_contacted(sample: Sample) -> None:
    customers = _deployment_after(_read(sample)).customers()
    match sample.customer:
        case "create" | "update":
            assert {c.status for c in customers} == {"active"}
        case "contacted":
            assert {c.status for c in customers} == {"contacted"}
        case "policy" if sample.path in _OF_NOBODY:
            assert not customers
        case "policy":
            assert bool(customers) == bool(sample.inbound_messages)
        case _:
            assert not customers


@pytest.mark.parametrize("sample", ALL, ids=_ids)
def test_what_cannot_be_attributed_is_set_aside_and_nothing_else_is(sample: Sample) -> None:
    reading = _read(sample)
    assert bool(reading.unreadable) == (sample.customer == "quarantine")
    assert reading.messages or reading.notices or reading.unreadable
