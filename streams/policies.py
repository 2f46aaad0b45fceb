"""The policies in force: what the settings, the policy file and the topic `policies` say.

Owns reading them, before a worker starts and while it runs, and the salt's claim beside them. What
a policy does is the identity core's business.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Event
from typing import Any, Final, get_args

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError

from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.policies import PolicyDocument, Rule, TenantPolicy
from streams.ends import end_offsets
from streams.engine.batches import InRecord
from streams.identity.addresses import Addresses
from streams.identity.normalise import Rejection, tenant_of
from streams.identity.policy import DAY_MS, HOUR_MS, Policy, with_document
from streams.outbox import UNREADABLE
from streams.policy_file import PolicyError, policies_in
from streams.settings import WorkerSettings

logger = logging.getLogger(__name__)

# Where the salt's fingerprint stands on `policies`: tenants' names begin with a letter or a digit.
SALT_KEY: Final = b"_salt"
READ_SECONDS: Final = 30.0
_POLL_MS: Final = 500
_AGAIN_SECONDS: Final = 1.0
_SHOWN: Final = 80
_UNUSABLE: Final = (*UNREADABLE, ValueError)

_policy_decoder = msgspec.json.Decoder(TenantPolicy)


class _Claim(msgspec.Struct, frozen=True):
    """What stands under the salt's key."""

    fingerprint: str


_claim_decoder = msgspec.json.Decoder(_Claim)


class PolicyBook:
    """The policy in force of each tenant.

    The settings come first, over them the file's `[default]`, the tenant's own table, and last what
    was set by a command. `of` is one look into a dictionary; a change replaces one entry.
    """

    def __init__(
        self, default: PolicyDocument, by_tenant: Mapping[str, PolicyDocument] | None = None
    ) -> None:
        self._default_document = default
        self._in_file = dict(by_tenant or {})
        self._set: dict[str, TenantPolicy] = {}
        self._default = with_document(Policy(), default)
        self._in_force = {tenant: self._composed(tenant) for tenant in self._in_file}

    def of(self, tenant_id: str) -> Policy:
        """Return the policy in force in the tenant."""
        return self._in_force.get(tenant_id, self._default)

    def tenants(self) -> list[str]:
        """Return the tenants that have a policy of their own."""
        return sorted(self._in_force)

    def setting_of(self, tenant_id: str) -> TenantPolicy | None:
        """Return what was set for the tenant by a command, by whom and when."""
        return self._set.get(tenant_id)

    def document_of(self, tenant_id: str | None) -> PolicyDocument:
        """Return the policy in force with every value written out; of no tenant, the default."""
        layers = self._layers(tenant_id) if tenant_id else [self._default_document]
        policy = self.of(tenant_id) if tenant_id else self._default
        return PolicyDocument(
            auto_creation=policy.auto_creation,
            conversation_gap_hours=policy.conversation_gap_ms / HOUR_MS,
            rules={rule: policy.verdict(rule) for rule in get_args(Rule)},
            shared_after=policy.shared_after,
            shared_after_devices=policy.shared_after_devices,
            identity_cap=policy.identity_cap,
            own_identities=_united(layer.own_identities for layer in layers),
            blocked_identities=_united(layer.blocked_identities for layer in layers),
            region=policy.region,
            new_owner_silence_days=policy.new_owner_silence_ms / DAY_MS,
        )

    def take(self, record: InRecord) -> str | None:
        """Put what a record of the topic says in force; return what that changed, as a sentence.

        Raises ValueError or msgspec.MsgspecError where the record cannot be used; then the policy
        stays as it was.
        """
        tenant = tenant_of((record.key or b"").decode())
        if isinstance(tenant, Rejection):
            raise ValueError(f"its key is no tenant: {tenant.detail}")  # noqa: TRY004 - of a value
        known = self._set.get(tenant)
        if record.value is None:
            if known is None:
                return None
            del self._set[tenant]
            if tenant in self._in_file:
                self._in_force[tenant] = self._composed(tenant)
            else:
                del self._in_force[tenant]
            return f"Tenant {tenant}'s policy is what the file and the settings say again"
        given = _policy_decoder.decode(record.value)
        if given.tenant_id != tenant:
            raise ValueError(f"it is {in_a_line(given.tenant_id)}'s under the key of {tenant}")
        if given == known:
            return None
        self.put(given)
        return (
            f"Tenant {tenant}'s policy was changed by {in_a_line(given.set_by)} "
            f"(command {in_a_line(given.command_id)})"
        )

    def put(self, given: TenantPolicy) -> None:
        """Put in force what a command sets for a tenant, over the settings and the file."""
        self._in_force[given.tenant_id] = self._composed(given.tenant_id, given)
        self._set[given.tenant_id] = given

    def _layers(self, tenant_id: str, given: TenantPolicy | None = None) -> list[PolicyDocument]:
        layers = [self._default_document]
        if (in_file := self._in_file.get(tenant_id)) is not None:
            layers.append(in_file)
        if (by_command := given or self._set.get(tenant_id)) is not None:
            layers.append(by_command.policy)
        return layers

    def _composed(self, tenant_id: str, given: TenantPolicy | None = None) -> Policy:
        policy = self._default
        for layer in self._layers(tenant_id, given)[1:]:
            policy = with_document(policy, layer)
        return policy


def _united(names: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for some in names for name in some))


def in_a_line(text: str) -> str:
    """Return what others wrote as it may stand in a line of ours."""
    return "".join(c if c.isprintable() else "?" for c in text[:_SHOWN])


def policy_book(settings: WorkerSettings) -> PolicyBook:
    """Return the book as the settings and the policy file have it, before the topic is read."""
    base = PolicyDocument(
        auto_creation=settings.auto_creation_enabled,
        conversation_gap_hours=settings.conversation_gap_hours,
    )
    if settings.policy_file is None:
        return PolicyBook(base)
    default, by_tenant = policies_in(settings.policy_file)
    return PolicyBook(_over(base, default), by_tenant)


def _over(base: PolicyDocument, document: PolicyDocument) -> PolicyDocument:
    """Return what the document says, and what the base says of the rest."""
    given = {
        name: value
        for name in document.__struct_fields__
        if (value := getattr(document, name)) is not None
    }
    return msgspec.structs.replace(base, **given)


class PolicyTopic:
    """Keeps a book up with `policies`: read whole first, then followed.

    One thread at a time: `follow` may run in another than `read` once that has returned.
    """

    def __init__(self, cluster: ClusterSettings, book: PolicyBook) -> None:
        self._cluster = cluster
        self._book = book
        self._name = topics.full_name(topics.POLICIES, cluster.topic_prefix)
        self._consumer: Any = None
        # In the log's order: who else claims the deployment's state for their salt.
        self._claims: list[str] = []

    def read(self, *, seconds: float = READ_SECONDS) -> None:
        """Have in the book all that the topic says now. Raises PolicyError, also when late."""
        with self._in_time(seconds) as deadline:
            self._consumer = KafkaConsumer(
                **self._cluster.client_options(),
                bootstrap_timeout_ms=int(seconds * 1000),
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
            )
            numbers = self._consumer.partitions_for_topic(self._name)
            if not numbers:
                raise PolicyError(
                    f"there is no topic {self._name}: make the topics with `omnichannel topics`"
                )
            partitions = [TopicPartition(self._name, number) for number in sorted(numbers)]
            ends = end_offsets(self._consumer, partitions)
            self._consumer.assign(partitions)
            self._consumer.seek_to_beginning(*partitions)
            self._read_to(ends, deadline)
        own = len(self._book.tenants())
        logger.info("Policies are read; tenants that have one of their own: %d", own)

    def hold_salt(self, addresses: Addresses, *, seconds: float = READ_SECONDS) -> None:
        """Return if the deployment's state is under these addresses. Call after `read`.

        Where nothing is claimed yet, the salt is claimed, and read back: of workers that start at
        once with different salts, all see the same claim first in the log, and only its owners go
        on. The first is written again if it is not the last: that one is what compaction keeps.
        """
        ours = addresses.fingerprint()
        with self._in_time(seconds) as deadline:
            if not self._claims:
                self._read_to(self._claim(ours, seconds), deadline)
            if self._claims[0] != self._claims[-1]:
                self._claim(self._claims[0], seconds)
        if self._claims[0] == ours:
            return
        if self._claims[0] == Addresses("").fingerprint():
            raise PolicyError(
                "this deployment's state was made without OMNICHANNEL_IDENTITY_SALT: unset it, or "
                "begin anew with it as docs/operations.md says at 'The salt'"
            )
        raise PolicyError(
            "OMNICHANNEL_IDENTITY_SALT is not what this deployment's state was made with: set it "
            "to what it was, the same in every worker; docs/operations.md says more at 'The salt'"
        )

    def follow(self, stop: Event, apply: Callable[[Callable[[], None]], object]) -> None:
        """Hand each change to `apply` as it comes, until stopped; then leave the broker.

        A broker that is away is waited for. Call after `read`; meant for a thread of its own.
        """
        is_lost = False
        try:
            while not stop.is_set():
                try:
                    records = self._poll()
                except KafkaError as error:
                    if not is_lost:
                        logger.warning("policies cannot be followed: %s; trying again", error)
                    is_lost = True
                    stop.wait(_AGAIN_SECONDS)
                    continue
                is_lost = False
                if records and not stop.is_set():
                    apply(lambda records=records: self._take(records, say=logger.info))  # type: ignore[misc]
        finally:
            self.close()

    def close(self) -> None:
        """Leave the broker."""
        if self._consumer is not None:
            with suppress(KafkaTimeoutError):
                self._consumer.close()

    def _read_to(self, ends: Mapping[TopicPartition, int], deadline: float) -> None:
        while any(self._consumer.position(partition) < end for partition, end in ends.items()):
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"{self._name} was not read to its end")
            self._take(self._poll())

    def _poll(self) -> list[InRecord]:
        found = self._consumer.poll(timeout_ms=_POLL_MS)
        return [record for records in found.values() for record in records]

    def _take(
        self, records: Sequence[InRecord], *, say: Callable[[str], None] | None = None
    ) -> None:
        """Put what the records say in force; one that cannot be used is passed over."""
        for record in records:
            try:
                if record.key == SALT_KEY:
                    changed = self._take_claim(record)
                else:
                    changed = self._book.take(record)
            except _UNUSABLE as error:
                logger.warning(
                    "a policy cannot be used and is passed over (%s partition %d offset %d): %s",
                    *(record.topic, record.partition, record.offset, in_a_line(str(error))),
                )
                continue
            if changed and say:
                say(changed)

    def _take_claim(self, record: InRecord) -> str | None:
        if record.value is None:
            self._claims.clear()
            return None
        claim = _claim_decoder.decode(record.value).fingerprint
        self._claims.append(claim)
        if claim == self._claims[0]:
            return None
        return "A worker with another OMNICHANNEL_IDENTITY_SALT tried to start, and must not"

    def _claim(self, fingerprint: str, seconds: float) -> dict[TopicPartition, int]:
        """Have the claim on the topic; return the offset behind it."""
        producer = KafkaProducer(
            **self._cluster.client_options(),
            bootstrap_timeout_ms=int(seconds * 1000),
            max_block_ms=int(seconds * 1000),
            acks="all",
            enable_idempotence=False,  # a claim may stand there twice, and Tansu knows it not
        )
        try:
            value = msgspec.json.encode(_Claim(fingerprint))
            sent = producer.send(self._name, key=SALT_KEY, value=value).get(seconds)
        finally:
            producer.close(timeout=seconds)
        return {TopicPartition(sent.topic, sent.partition): sent.offset + 1}

    @contextmanager
    def _in_time(self, seconds: float) -> Iterator[float]:
        """Give the deadline; what the client raises becomes a sentence, the consumer is closed."""
        try:
            yield time.monotonic() + seconds
        except KafkaError as error:
            self.close()
            raise PolicyError(
                f"the policies on {self._name} were not read within {seconds:g} s ({error}): does "
                f"Kafka answer at {self._cluster.bootstrap_servers}?"
            ) from error
        except PolicyError:
            self.close()
            raise
