"""The identity core: pure functions from (node, operations) to (node, operations, records)."""
