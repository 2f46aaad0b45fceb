"""What became of commands: each is answered by one event that names it."""

from dataclasses import dataclass

from api.live_view.reader import Reader


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """Whether a command was carried out, on which customer, and why not."""

    is_applied: bool
    detail: str | None
    customer_id: str | None


def outcome_of(reader: Reader, *, tenant_id: str, command_id: str) -> CommandOutcome | None:
    """Return a command's outcome; None where no event tells of it."""
    rows = reader.execute(
        "select event_type, detail, customer_id from raw.customer_events "
        "where command_id = $command_id and tenant_id = $tenant_id "
        "and event_type in ('command.applied', 'command.refused') order by event_type limit 1",
        {"command_id": command_id, "tenant_id": tenant_id},
    ).fetchall()
    if not rows:
        return None
    event_type, detail, customer_id = rows[0]
    return CommandOutcome(event_type == "command.applied", detail, customer_id)
