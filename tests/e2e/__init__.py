"""The worker as a process of its own on a real broker: crashes, rebalances, recovery."""
