"""Faust made fast: whole partition batches in, bulk writes out. Knows nothing of customers."""
