"""In which country's notation a tenant's people write their numbers: its policy says."""

from pathlib import Path

from api.commands.view import CommandView
from streams.contracts.policies import PolicyDocument
from streams.policy_file import policies_in


class Regions:
    """The regions: what was set by a command, else the tenant's table in the policy file, else the
    file's default, as the workers read them.
    """

    def __init__(self, policy_file: Path | None, view: CommandView) -> None:
        """Read the file. Raises PolicyError."""
        default, by_tenant = (
            (PolicyDocument(), {}) if policy_file is None else policies_in(policy_file)
        )
        self._default = default.region
        self._by_tenant = {tenant: policy.region for tenant, policy in by_tenant.items()}
        self._view = view

    async def of(self, tenant_id: str) -> str | None:
        """Return the country in whose notation numbers without a country code are read."""
        by_command = await self._view.region_of(tenant_id)
        return by_command or self._by_tenant.get(tenant_id) or self._default
