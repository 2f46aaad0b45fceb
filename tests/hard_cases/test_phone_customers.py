"""Hard cases 1 to 17 as customers: two notations of a number are one person, or are not.

From canonical messages and agents' commands to what a reader sees; their keys and variants by
themselves are tested in `test_phone_numbers`.
"""

import pytest

from streams.contracts.commands import ConfirmSuggestion, RefuseSuggestion, UpdateCustomer
from streams.contracts.policies import PolicyDocument
from tests.hard_cases.deployment import Deployment
from tests.hard_cases.platforms import WHATSAPP, moment, outbound, sms, telegram, whatsapp

BRAZIL = PolicyDocument(region="BR")


def typed_by_an_agent(number: str, region: str | None) -> Deployment:
    """Return a deployment whose one customer, of Telegram, was given this number by an agent."""
    deployment = Deployment(PolicyDocument(region=region))
    deployment.receive(telegram(5100000201, profile_name="Ana"))
    answer = deployment.ask(UpdateCustomer, deployment.customer(), add_phone=number)
    assert answer.type == "command.applied", answer.detail
    return deployment


def refusal_of(number: str, region: str | None) -> str:
    """Return why an agent may not give a customer this number; nothing came of it."""
    deployment = Deployment(PolicyDocument(region=region))
    deployment.receive(telegram(5100000201))
    answer = deployment.ask(UpdateCustomer, deployment.customer(), add_phone=number)
    assert answer.type == "command.refused"
    assert deployment.customer().phones == ()
    return answer.detail or ""


def test_case_01_a_reply_without_the_9_reaches_who_was_typed_with_it() -> None:
    deployment = typed_by_an_agent("(31) 98888-8888", "BR")
    deployment.receive(whatsapp("553188888888", at=moment(hours=1)))
    customer = deployment.customer()
    assert customer.phones == ("+5531988888888",)
    assert [i.external_id for i in customer.identities] == ["5100000201", "553188888888"]


def test_case_01_whom_we_wrote_to_with_the_9_answers_without_and_is_one_customer() -> None:
    deployment = Deployment()
    deployment.receive(outbound(WHATSAPP, "+55 31 98888-8888"))
    deployment.receive(whatsapp("553188888888", at=moment(minutes=5)))
    customer = deployment.customer()
    assert customer.status == "active"
    # What to send to is the id as WhatsApp has it.
    assert {i.external_id for i in customer.identities if i.last_inbound_at} == {"553188888888"}


def test_case_02_a_landline_and_the_mobile_that_a_9_would_make_are_two_customers() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp("554532782153"), whatsapp("5545932782153"))
    assert deployment.customer_of("554532782153").phones == ("+554532782153",)
    assert deployment.customer_of("5545932782153").phones == ("+5545932782153",)
    assert deployment.open_suggestions() == []


def test_case_03_the_ambiguous_number_is_suggested_and_somebody_decides() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp("551177654321"), whatsapp("5511977654321", at=moment(hours=1)))
    short, long = deployment.customers()
    (suggestion, *_) = suggestions = deployment.open_suggestions()
    assert {s.rule for s in suggestions} == {"phone_variant"}
    assert {suggestion.customer_id, suggestion.other_customer_id} == {short.id, long.id}

    answer = deployment.ask(ConfirmSuggestion, suggestion.customer_id, suggestion_id=suggestion.id)
    assert answer.type == "command.applied"
    assert deployment.customer().id == short.id
    assert deployment.open_suggestions() == []


def test_case_03_a_refused_variant_is_not_asked_again() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp("551177654321"), whatsapp("5511977654321", at=moment(hours=1)))
    while suggestions := deployment.open_suggestions():
        refused = deployment.ask(
            RefuseSuggestion, suggestions[0].customer_id, suggestion_id=suggestions[0].id
        )
        assert refused.type == "command.applied"
    deployment.receive(whatsapp("551177654321", at=moment(days=2)))
    assert len(deployment.customers()) == 2
    assert deployment.open_suggestions() == []


def test_case_04_a_gateway_that_starts_adding_the_9_makes_no_second_customer() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp("551187654321", profile_name="Rui"))
    before = deployment.customer()
    deployment.receive(whatsapp("5511987654321", profile_name="Rui", at=moment(days=3)))
    after = deployment.customer()
    assert after.id == before.id
    assert [i.external_id for i in after.identities] == ["551187654321", "5511987654321"]
    assert len(deployment.events("customer.created")) == 1


def test_case_05_a_number_without_area_code_is_refused_with_advice() -> None:
    assert "area code" in refusal_of("99999-8888", "BR")


def test_case_05_what_was_refused_ties_nobody_who_writes_from_such_a_number() -> None:
    deployment = Deployment(BRAZIL)
    deployment.receive(telegram(5100000201))
    deployment.ask(UpdateCustomer, deployment.customer(), add_phone="99999-8888")
    deployment.receive(*(sms(number) for number in ("+55999998888", "+999998888")))
    assert deployment.customer_of("5100000201").phones == ()
    assert deployment.open_suggestions() == []


@pytest.mark.parametrize("region", ["BR", "PT"])
def test_case_06_0055_typed_anywhere_is_who_writes_from_brazil(region: str) -> None:
    deployment = typed_by_an_agent("0055 11 99999 8888", region)
    deployment.receive(whatsapp("5511999998888"))
    assert deployment.customer().phones == ("+5511999998888",)


@pytest.mark.parametrize("region", ["BR", "US", "DE", None])
def test_case_07_a_wa_id_is_international_whatever_the_tenants_region(region: str | None) -> None:
    deployment = Deployment(PolicyDocument(region=region))
    deployment.receive(whatsapp("5511999998888"))
    assert deployment.customer().phones == ("+5511999998888",)


def test_case_07_the_same_digits_typed_need_a_region() -> None:
    deployment = typed_by_an_agent("5511999998888", "BR")
    assert deployment.customer().phones == ("+5511999998888",)
    assert refusal_of("5511999998888", None)


def test_case_08_every_notation_of_a_number_is_one_customer() -> None:
    deployment = Deployment()
    notations = [
        "5511999998888",
        "+55 (0)11 99999-8888",
        "whatsapp:+5511999998888",
        "tel:+55-11-99999-8888",
        "+５５１１９９９９９８８８８",  # noqa: RUF001 - full-width digits are the case
        "+5511999998888;ext=12",
        "5511999998888@s.whatsapp.net",
    ]
    for number, notation in enumerate(notations):
        deployment.receive(whatsapp(notation, at=moment(hours=number)))
        deployment.receive(sms(notation, at=moment(hours=number)))
    assert deployment.rejections == []
    customer = deployment.customer()
    assert customer.phones == ("+5511999998888",)
    assert {i.external_id for i in customer.identities} == set(notations)


@pytest.mark.parametrize("text", ["+55 11 9 9999 8888 / 11 3333 4444", "+5511999998888,+5511333"])
def test_case_09_two_numbers_in_one_field_are_rejected_and_none_becomes_a_customer(
    text: str,
) -> None:
    assert "one only" in refusal_of(text, "BR")
    deployment = Deployment(BRAZIL)
    deployment.receive(whatsapp(text), outbound(WHATSAPP, text))
    assert deployment.customers() == []
    assert len(deployment.rejections) == 2


def test_case_10_mexicos_521_answers_for_52_and_is_kept_for_sending() -> None:
    deployment = Deployment()
    deployment.receive(outbound(WHATSAPP, "+525512345678"))
    deployment.receive(whatsapp("5215512345678", at=moment(minutes=1)))
    customer = deployment.customer()
    assert customer.phones == ("+525512345678",)
    assert [i.external_id for i in customer.identities] == ["+525512345678", "5215512345678"]


@pytest.mark.parametrize("text", ["044 55 1234 5678", "045 55 1234 5678", "1 55 1234 5678"])
def test_case_11_mexicos_dropped_prefixes_reach_who_writes(text: str) -> None:
    deployment = typed_by_an_agent(text, "MX")
    deployment.receive(whatsapp("5215512345678"))
    assert deployment.customer().phones == ("+525512345678",)


def test_case_12_argentinas_15_typed_at_home_reaches_who_writes_with_the_9() -> None:
    deployment = typed_by_an_agent("011 15 2345-6789", "AR")
    deployment.receive(whatsapp("5491123456789"))
    assert deployment.customer().phones == ("+5491123456789",)


def test_case_13_argentinas_number_without_the_9_is_only_suggested_and_only_on_whatsapp() -> None:
    deployment = Deployment()
    deployment.receive(outbound(WHATSAPP, "541123456789"))
    deployment.receive(whatsapp("5491123456789", at=moment(minutes=1)))
    assert [c.status for c in deployment.customers()] == ["contacted", "active"]
    assert {s.rule for s in deployment.open_suggestions()} == {"phone_variant"}

    by_sms = Deployment()
    by_sms.receive(sms("+541123456789"), sms("+5491123456789"))
    assert len(by_sms.customers()) == 2
    assert by_sms.open_suggestions() == []


def test_case_14_a_15_beside_the_9_is_the_number_without_it() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp("+54 9 11 15 2345 6789"), sms("+5491123456789"))
    assert deployment.customer().phones == ("+5491123456789",)


def test_case_14_a_15_that_cannot_be_told_apart_is_refused() -> None:
    assert refusal_of("+54 9 11 15 2345 678", "AR")


@pytest.mark.parametrize(
    ("old", "new"), [("22997123456", "2290197123456"), ("22508234567", "2250708234567")]
)
def test_case_15_who_writes_under_a_number_of_before_the_change_is_who_writes_after(
    old: str, new: str
) -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(old), sms(f"+{new}", at=moment(days=1)))
    customer = deployment.customer()
    assert customer.phones == (f"+{new}",)
    assert [i.external_id for i in customer.identities] == [old, f"+{new}"]


def test_case_16_an_italian_landline_keeps_its_zero() -> None:
    deployment = typed_by_an_agent("06 12345678", "IT")
    deployment.receive(whatsapp("390612345678"), sms("+39 6 12345678"))
    assert deployment.customer_of("390612345678").phones == ("+390612345678",)
    assert "+390612345678" not in deployment.customer_of("+39 6 12345678").phones


@pytest.mark.parametrize("sender", ["AMAZON", "12345", "VM-HDFCBK", "262626"])
def test_case_17_a_service_sender_makes_nobody_and_is_set_aside_with_a_reason(sender: str) -> None:
    deployment = Deployment()
    deployment.receive(sms(sender))
    assert [r.reason for r in deployment.rejections] == ["not_a_person"]
    assert deployment.known() == [{}, {}, {}, {}, {}]
