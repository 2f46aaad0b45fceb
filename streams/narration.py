"""What the log says of customers, in the reference's sentences.

Addresses and numbers are masked, and in clear at debug level only (`DEBUG=customers`).
"""

import logging
from collections.abc import Iterable

from streams.contracts.customers import Customer, CustomerEvent
from streams.identity.records import Record
from streams.logs import mask

logger = logging.getLogger("customers")


def narrate(records: Iterable[Record]) -> None:
    """Log who was created, and at debug level who was seen again."""
    debug = logger.isEnabledFor(logging.DEBUG)
    for record in records:
        if isinstance(record, CustomerEvent) and record.type == "customer.created":
            external_id = record.external_id or ""
            logger.info(
                "Auto-created customer %s for channel %s with external ID %s (tenantId=%s)",
                record.customer_id,
                record.channel_id,
                external_id if debug else mask(external_id),
                record.tenant_id,
            )
        elif debug and isinstance(record, Customer):
            logger.debug(
                "Updated last seen for customer %s (tenantId=%s)", record.id, record.tenant_id
            )
            logger.debug(
                "Channel identity resolution: customer=%s, channels=%d (tenantId=%s)",
                record.id,
                len({identity.channel_id for identity in record.identities}),
                record.tenant_id,
            )
