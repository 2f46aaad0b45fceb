"""Faust made fast: whole partition batches in, bulk writes out. Knows nothing of customers.

Faust keeps what it is good at: groups, rebalancing, changelogs, recovery, commits. Four parts
replace its inner loop: `transport` delivers a fetched partition batch as one event, `progress`
says how far a partition may be committed, `table` reads and writes a partition's keys in bulk,
and `process` holds the order of effects that makes a crash anywhere harmless.
"""
