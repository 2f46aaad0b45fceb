"""The policies in force, from settings, file and records: pure, no broker is reached."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.app import create_app
from streams.cluster import ClusterSettings
from streams.contracts.policies import PolicyDocument, TenantPolicy
from streams.contracts.wire import encode
from streams.identity.addresses import Addresses
from streams.identity.policy import Policy, with_document
from streams.outbox import UNREADABLE
from streams.policies import PolicyBook, in_a_line, policy_book
from streams.policy_file import PolicyError, as_toml, policies_in, policy_in, tenant_table
from streams.settings import WorkerSettings

ROOT = Path(__file__).parents[3]

documents = st.builds(
    PolicyDocument,
    auto_creation=st.none() | st.booleans(),
    conversation_gap_hours=st.none() | st.sampled_from([0.5, 1.0, 24.0]),
    rules=st.dictionaries(
        st.sampled_from(["same_account", "self_declared", "phone_variant"]),
        st.sampled_from(["link", "suggest", "ignore"]),
    ),
    shared_after=st.none() | st.integers(1, 100),
    shared_after_devices=st.none() | st.integers(1, 1000),
    identity_cap=st.none() | st.integers(2, 200),
    own_identities=st.lists(st.text(max_size=20), max_size=3).map(tuple),
    blocked_identities=st.lists(st.sampled_from(["+551133334444", "a@b.example", "x"])).map(tuple),
    region=st.none() | st.sampled_from(["BR", "DE"]),
    new_owner_silence_days=st.none() | st.sampled_from([1.0, 45.0, 90.0]),
)


@dataclass
class Record:
    key: bytes | None
    value: bytes | None
    topic: str = "policies"
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    headers: Sequence[tuple[str, bytes]] = ()


def policy_set(
    tenant_id: str = "acme", *, by: str = "alice", command_id: str = "c-1", **document: object
) -> Record:
    policy = TenantPolicy(
        tenant_id=tenant_id,
        policy=PolicyDocument(**document),  # type: ignore[arg-type]
        set_at=datetime(2026, 11, 24, tzinfo=UTC),
        set_by=by,
        command_id=command_id,
    )
    return Record(tenant_id.encode(), encode(policy))


def in_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policies.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_settings_are_under_the_files_default_which_is_under_the_tenants_table_and_the_command(
    tmp_path: Path,
) -> None:
    file = in_file(
        tmp_path,
        """
        [default]
        sharedAfter = 4
        identityCap = 50
        ownIdentities = ["business"]
        [default.rules]
        self_declared = "ignore"
        phone_variant = "ignore"
        [tenants.acme]
        identityCap = 60
        region = "BR"
        [tenants.acme.rules]
        phone_variant = "link"
        """,
    )
    settings = WorkerSettings(
        auto_creation_enabled=False, conversation_gap_hours=2, policy_file=file
    )
    book = policy_book(settings)
    book.take(policy_set(region="DE", own_identities=("other",)))
    other, acme = book.of("other"), book.of("acme")
    assert (other.auto_creation, other.conversation_gap_ms) == (False, 7_200_000)
    assert (acme.auto_creation, acme.conversation_gap_ms) == (False, 7_200_000)
    assert (other.shared_after, other.identity_cap, other.region) == (4, 50, None)
    assert (acme.shared_after, acme.identity_cap, acme.region) == (4, 60, "DE")
    assert (other.verdict("self_declared"), other.verdict("phone_variant")) == ("ignore", "ignore")
    assert (acme.verdict("self_declared"), acme.verdict("phone_variant")) == ("ignore", "link")
    assert other.nobody == {"business"}
    assert acme.nobody == {"business", "other"}


def test_the_file_may_say_otherwise_than_the_settings(tmp_path: Path) -> None:
    file = in_file(tmp_path, "[default]\nautoCreation = true\nconversationGapHours = 1")
    book = policy_book(WorkerSettings(auto_creation_enabled=False, policy_file=file))
    assert book.of("acme") == Policy(auto_creation=True, conversation_gap_ms=3_600_000)


def test_without_file_and_commands_every_tenant_has_the_settings_policy() -> None:
    assert policy_book(WorkerSettings()).of("acme") == Policy()


def test_the_latest_record_of_a_tenant_replaces_what_was_set_before() -> None:
    book = PolicyBook(PolicyDocument())
    book.take(policy_set(shared_after=7, region="BR"))
    book.take(policy_set(command_id="c-2", shared_after=8))
    assert book.of("acme") == Policy(shared_after=8)
    assert book.of("other") == Policy()


@pytest.mark.parametrize("in_the_file", [{}, {"acme": PolicyDocument(shared_after=5)}])
def test_a_tombstone_returns_the_tenant_to_the_file(in_the_file: dict[str, PolicyDocument]) -> None:
    book = PolicyBook(PolicyDocument(), in_the_file)
    before = book.of("acme")
    book.take(policy_set(shared_after=7))
    said = book.take(Record(b"acme", None))
    assert said == "Tenant acme's policy is what the file and the settings say again"
    assert book.of("acme") is before or book.of("acme") == before
    assert book.take(Record(b"acme", None)) is None


def test_a_change_is_told_with_who_made_it_and_a_repetition_is_not() -> None:
    book = PolicyBook(PolicyDocument())
    record = policy_set(shared_after=7)
    assert book.take(record) == "Tenant acme's policy was changed by alice (command c-1)"
    assert book.take(record) is None


def test_what_others_wrote_stays_in_its_line_of_the_log() -> None:
    told = PolicyBook(PolicyDocument()).take(policy_set(by="eve\nCRITICAL all is lost"))
    assert told
    assert "\n" not in told
    assert len(in_a_line("x" * 1000)) == 80


@pytest.mark.parametrize(
    "record",
    [
        Record(b"acme", b"no policy"),
        Record(b"acme", b"\xff"),
        Record(b"acme", b'{"a":' * 5_000),
        Record(b"acme", b'{"tenantId":"acme","policy":{"sharedAfter":0}}'),
        Record(b"other", policy_set("acme").value),
        Record(b"_salt2", policy_set("acme").value),
        Record(b"\xff", policy_set("acme").value),
        Record(None, policy_set("acme").value),
        Record(b"a/b", None),
    ],
)
def test_a_record_that_cannot_be_used_changes_nothing(record: Record) -> None:
    book = PolicyBook(PolicyDocument())
    book.take(policy_set(shared_after=7))
    with pytest.raises((*UNREADABLE, ValueError)):
        book.take(record)
    assert book.of("acme") == Policy(shared_after=7)
    assert book.tenants() == ["acme"]


@given(documents, documents, documents)
def test_the_document_shown_is_the_policy_in_force(
    default: PolicyDocument, in_the_file: PolicyDocument, by_command: PolicyDocument
) -> None:
    book = PolicyBook(default, {"acme": in_the_file})
    book.take(policy_set(**msgspec.structs.asdict(by_command)))
    for tenant in ("acme", None):
        assert with_document(Policy(), book.document_of(tenant)) == book.of(tenant or "other")


def test_every_key_that_has_a_value_is_shown() -> None:
    book = PolicyBook(
        PolicyDocument(region="BR", own_identities=("us",), blocked_identities=("them",))
    )
    shown = msgspec.to_builtins(book.document_of(None))
    assert shown.keys() == {f.encode_name for f in msgspec.structs.fields(PolicyDocument)}


@given(st.dictionaries(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True), documents))
def test_what_is_shown_is_read_again_as_a_policy_file(
    tmp_path_factory: pytest.TempPathFactory, tenants: dict[str, PolicyDocument]
) -> None:
    path = tmp_path_factory.mktemp("policies") / "policies.toml"
    tables = [as_toml(document, tenant_table(name)) for name, document in tenants.items()]
    path.write_text("\n\n".join(tables), encoding="utf-8")
    assert policies_in(path) == (PolicyDocument(), tenants)


@given(documents)
def test_what_is_shown_of_one_tenant_is_read_again_as_a_policy(
    tmp_path_factory: pytest.TempPathFactory, document: PolicyDocument
) -> None:
    path = tmp_path_factory.mktemp("policies") / "policy.toml"
    path.write_text(as_toml(document), encoding="utf-8")
    assert policy_in(path) == document


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[default]\nautoCreation = 1", ["[default]", "bool", "`autoCreation`"]),
        ("[default]\nauto_creation = true", ["[default]", "`auto_creation`", "keys are autoCrea"]),
        ("[tenants.acme]\nsharedAfter = 0", ["[tenants.acme]", "`sharedAfter`", ">= 1"]),
        ('[tenants."a.b"]\nregion = "br"', ['[tenants."a.b"]', "`region`"]),
        ("[tenants.acme.rules]\nself_declared = 'maybe'", ["[tenants.acme]", "'maybe'", "`rules["]),
        ("[tenants.acme.rules]\nhearsay = 'link'", ["[tenants.acme]", "'hearsay'", "`rules`"]),
        ("[tenants._salt]\n", ["[tenants._salt]", "letters"]),
        ("[tenant.acme]\n", ["tenant:", "[tenants.NAME]"]),
        ("tenants = 5", ["tenants", "[tenants.NAME]"]),
        ("default = 5", ["[default]", "object"]),
        ("[default]\nautoCreation", ["is not TOML", "'='"]),
    ],
)
def test_what_is_wrong_in_the_file_is_named_by_file_table_and_key(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    path = in_file(tmp_path, text)
    with pytest.raises(PolicyError) as error:
        policies_in(path)
    for word in [str(path), *words]:
        assert word in str(error.value)


def test_a_file_that_is_absent_or_no_text_is_an_error_that_names_it(tmp_path: Path) -> None:
    absent, binary = tmp_path / "absent.toml", tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError, match=r"absent\.toml cannot be read: No such file"):
        policies_in(absent)
    with pytest.raises(PolicyError, match=r"binary\.toml is not TOML"):
        policy_in(binary)


def test_the_salt_is_masked_in_every_printout() -> None:
    settings = WorkerSettings(identity_salt="pepper")
    assert "pepper" not in repr(settings) + str(settings.model_dump())
    assert settings.identity_salt.get_secret_value() == "pepper"


def test_the_app_has_the_settings_salt_and_needs_no_broker_to_be_made() -> None:
    nobody = ClusterSettings(bootstrap_servers="never.invalid:9092")
    salted = WorkerSettings(identity_salt="pepper")
    assert create_app(salted, nobody).addresses.fingerprint() == Addresses("pepper").fingerprint()


def test_a_worker_with_an_unusable_policy_file_ends_with_1_and_says_why(tmp_path: Path) -> None:
    path = in_file(tmp_path, "[default]\nautoCreation = 1")
    ended = subprocess.run(
        [sys.executable, "-m", "streams"],
        env={
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": "never.invalid:9092",
            "OMNICHANNEL_POLICY_FILE": str(path),
            "OMNICHANNEL_LOG_FILE": str(tmp_path / "worker.log"),
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert f"cannot start: {path}: [default]: Expected `bool" in ended.stderr
    assert "Traceback" not in ended.stderr
