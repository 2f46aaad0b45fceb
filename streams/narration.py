"""What the log says of customers, in the reference's sentences.

Addresses and numbers are masked, and in clear at debug level only (`DEBUG=customers`). An event's
`detail` may quote a number, so no line has it; what is quoted with %r was written by others.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from streams.contracts.customers import Customer, CustomerEvent
from streams.identity.records import IMPORT_CHANNEL
from streams.identity.telling import Record, Seen
from streams.logs import mask

logger = logging.getLogger("customers")


def narrate(records: Iterable[Record | Seen]) -> None:
    """Log what happened to customers, and at debug level who was seen again."""
    debug = logger.isEnabledFor(logging.DEBUG)
    for record in records:
        if isinstance(record, CustomerEvent):
            tell = _SENTENCES.get(record.type)
            if tell is not None:
                tell(record)
        elif debug and isinstance(record, Customer | Seen):
            seen = record if isinstance(record, Seen) else Seen.of(record)
            customer_id, tenant_id = seen.customer_id, seen.tenant_id
            logger.debug("Updated last seen for customer %s (tenantId=%s)", customer_id, tenant_id)
            logger.debug(
                "Channel identity resolution: customer=%s, channels=%d (tenantId=%s)",
                *(customer_id, seen.channels, tenant_id),
            )


def _created(event: CustomerEvent) -> None:
    external_id = event.external_id or ""
    logger.info(
        "%s customer %s for channel %s with external ID %s (tenantId=%s)",
        "Imported" if event.channel_type == IMPORT_CHANNEL else "Auto-created",
        event.customer_id,
        event.channel_id,
        external_id if logger.isEnabledFor(logging.DEBUG) else mask(external_id),
        event.tenant_id,
    )


def _linked(event: CustomerEvent) -> None:
    logger.info(
        "Linked two identities of customer %s by rule %s (tenantId=%s)",
        *(event.customer_id, event.rule, event.tenant_id),
    )


def _split(event: CustomerEvent) -> None:
    logger.info(
        "Split customer %s from customer %s (tenantId=%s)",
        *(event.customer_id, event.split_from, event.tenant_id),
    )


def _erased(event: CustomerEvent) -> None:
    logger.info("Erased customer %s (tenantId=%s)", event.customer_id, event.tenant_id)


def _guard_tripped(event: CustomerEvent) -> None:
    logger.warning(
        "A guard kept evidence from linking: %s, customer=%s (tenantId=%s)",
        *(event.rule, event.customer_id, event.tenant_id),
    )


def _refused(event: CustomerEvent) -> None:
    # Not its customer: whoever wrote the command may have put anything there.
    logger.info(
        "Refused command %.80r, its event on customer-events says why (tenantId=%s)",
        *(event.command_id, event.tenant_id),
    )


_SENTENCES: Final[Mapping[str, Callable[[CustomerEvent], None]]] = {
    "customer.created": _created,
    "customer.linked": _linked,
    "customer.split": _split,
    "customer.erased": _erased,
    "guard.tripped": _guard_tripped,
    "command.refused": _refused,
}
