"""Kafka to DuckDB, exactly once: rows and offsets in one transaction."""
