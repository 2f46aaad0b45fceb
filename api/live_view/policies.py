"""What a tenant's policy says to those who read: where its people dial from."""

from api.live_view.reader import Reader


def region_of(reader: Reader, *, tenant_id: str) -> str | None:
    """Return the region of numbers without a country code; None where the policy names none."""
    rows = reader.execute(
        "select json_extract_string(policy, '$.region') from raw.policies "
        "where tenant_id = $tenant_id",
        {"tenant_id": tenant_id},
    ).fetchall()
    return rows[0][0] if rows else None
