"""The DuckDB store, its SQL, and the way to read it."""
