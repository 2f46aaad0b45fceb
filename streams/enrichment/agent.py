"""The enrichment's own process: customers' events in, commands out, and never in anybody's way.

An event is noted in the file of lookups before its offset is committed; a lookup is done once its
command is acknowledged. So a crash anywhere repeats, and loses nothing; commands are known by ids
made of what they say.
"""

import asyncio
import logging
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams import topics
from streams.channel_file import Channels, Enrichment
from streams.cluster import ClusterSettings
from streams.contracts.commands import UpdateCustomer
from streams.contracts.customers import CustomerEvent
from streams.contracts.wire import encode
from streams.enrichment.asking import Asker, DeniedError, LaterError
from streams.enrichment.lookups import Lookup, Lookups
from streams.enrichment.pictures import NoPictureError, Pictures
from streams.enrichment.profiles import PLATFORMS_WITH_PROFILES, Step, first_step
from streams.enrichment.settings import EnrichmentSettings
from streams.identity.ids import Namespace

logger = logging.getLogger("customers")

_COMMANDS: Final = Namespace("enrichment")
_WANTED: Final = frozenset({"customer.created", "customer.identity_added", "customer.activated"})
_GATEWAYS: Final = frozenset({"evolution", "waha", "zapi"})
_AT_ONCE: Final = 8
_LOOK_AGAIN_SECONDS: Final = 0.5
_POLL_MS: Final = 500
_DAY_SECONDS: Final = 86_400.0
_decoder: Final = msgspec.json.Decoder(CustomerEvent)


class Enricher:
    """Looks up who came, by the channels' own settings."""

    def __init__(
        self,
        settings: EnrichmentSettings,
        cluster: ClusterSettings,
        channels: Channels,
        *,
        asker: Asker | None = None,
    ) -> None:
        self._settings = settings
        self._cluster = cluster
        self._channels = channels
        self._asker = asker or Asker()
        self._pictures = Pictures(settings.pictures_folder)
        self._lookups = Lookups(settings.folder / "lookups.sqlite")

    async def run(self, stop: asyncio.Event) -> None:
        """Look up whoever comes until `stop` is set; what is in hand is finished."""
        prefix = self._cluster.topic_prefix
        consumer = AIOKafkaConsumer(
            topics.full_name(topics.CUSTOMER_EVENTS, prefix),
            **self._cluster.client_options(),
            group_id=f"{topics.group_name(prefix)}-enrichment",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        producer = AIOKafkaProducer(**self._cluster.client_options(), acks="all")
        await producer.start()
        await consumer.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._note(consumer, stop))
                tasks.create_task(self._look_up(producer, stop))
        finally:
            await consumer.stop()
            await producer.stop()
            await self._asker.close()
            self._lookups.close()

    async def _note(self, consumer: Any, stop: asyncio.Event) -> None:
        """Note who is to be looked up, then commit that they are noted."""
        while not stop.is_set():
            found = await consumer.getmany(timeout_ms=_POLL_MS)
            if not found:
                continue
            events = [e for records in found.values() for r in records if (e := _event(r.value))]
            fresh_seconds = self._settings.fresh_days * _DAY_SECONDS
            self._lookups.add(self._wanted(events), now=time.time(), fresh_seconds=fresh_seconds)
            gone = [one.identity_id for event in events for one in event.erased]
            gone += [e.customer_id for e in events if e.erased and e.customer_id]
            for picture in self._lookups.forget(gone):
                self._pictures.remove(picture)
            await consumer.commit()

    def _wanted(self, events: Iterable[CustomerEvent]) -> Iterable[Lookup]:
        for event in events:
            if event.type not in _WANTED or not event.customer_id:
                continue
            channel_id, external_id = event.channel_id or "", event.external_id
            if external_id and self._source(event.tenant_id, channel_id) is not None:
                yield Lookup(event.tenant_id, channel_id, external_id, event.customer_id)

    def _source(self, tenant_id: str, channel_id: str) -> tuple[Enrichment, str] | None:
        """Return where the channel's profiles are asked for; None where nowhere."""
        channel = self._channels.get((tenant_id, channel_id))
        if channel is None or channel.enrichment is None or not channel.enrichment.enabled:
            return None
        platform = channel.enrichment.via or channel.platform
        if platform not in PLATFORMS_WITH_PROFILES:
            return None
        if platform in _GATEWAYS and not self._settings.whatsapp_pictures:
            return None
        return channel.enrichment, platform

    async def _look_up(self, producer: Any, stop: asyncio.Event) -> None:
        while not stop.is_set():
            due = self._lookups.due(time.time(), _AT_ONCE)
            await asyncio.gather(*(self._one(lookup, producer) for lookup in due))
            if len(due) < _AT_ONCE:
                try:
                    await asyncio.wait_for(stop.wait(), _LOOK_AGAIN_SECONDS)
                except TimeoutError:
                    continue

    async def _one(self, lookup: Lookup, producer: Any) -> None:
        source = self._source(lookup.tenant_id, lookup.channel_id)
        if source is None:  # switched off since
            self._lookups.done(lookup, "refused", now=time.time())
            return
        where = f"tenantId={lookup.tenant_id}, channelId={lookup.channel_id}"
        try:
            name, picture = await self._profile(lookup, *source)
        except LaterError as error:
            logger.info("A profile is looked up later (%s): %s", where, error)
            self._lookups.put_off(lookup, now=time.time(), at_least_seconds=error.seconds)
            return
        except (DeniedError, NoPictureError) as error:
            logger.warning("A profile cannot be had (%s): %s", where, error)
            self._lookups.done(lookup, "refused", now=time.time())
            return
        if name is None and picture is None:
            self._lookups.done(lookup, "nothing", now=time.time())
            return
        kept = self._pictures.keep(picture) if picture is not None else None
        await self._send(lookup, name, kept, producer)
        self._lookups.done(lookup, "found", now=time.time(), picture=kept)
        if kept is not None:
            logger.info(
                "Enriched customer profile with picture URL: %s (%s)", lookup.customer_id, where
            )

    async def _profile(
        self, lookup: Lookup, settings: Enrichment, platform: str
    ) -> tuple[str | None, bytes | None]:
        channel, rate = f"{lookup.tenant_id}/{lookup.channel_id}", settings.calls_per_minute
        step = first_step(settings, platform, lookup.external_id)
        while True:
            reached = step.then(await self._asker.answer(channel, rate, step.ask))
            if not isinstance(reached, Step):
                break
            step = reached
        if reached.picture is None:
            return reached.name, None
        return reached.name, await self._asker.picture(channel, rate, reached.picture)

    async def _send(
        self, lookup: Lookup, name: str | None, picture: str | None, producer: Any
    ) -> None:
        base = self._settings.public_url.rstrip("/")
        said = f"{lookup.customer_id} {lookup.channel_id} {lookup.external_id} {name} {picture}"
        command = UpdateCustomer(
            id=_COMMANDS.id_of(said),
            tenant_id=lookup.tenant_id,
            issued_at=datetime.now(UTC),
            issued_by="enrichment",
            customer_id=lookup.customer_id,
            display_name=name,
            profile_picture_url=f"{base}/pictures/{picture}" if picture else None,
            source="profile",
        )
        await producer.send_and_wait(
            topics.full_name(topics.CUSTOMER_COMMANDS, self._cluster.topic_prefix),
            encode(command),
            key=lookup.customer_id.encode(),
        )


def _event(value: bytes | None) -> CustomerEvent | None:
    try:
        return _decoder.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
