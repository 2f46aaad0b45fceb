"""Customers as they are now: what the streams say, in a DuckDB file that the API process owns.

Everything in it comes from the topics, so it may be thrown away at any time, and is where its shape
is an older version's.
"""
