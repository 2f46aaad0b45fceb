"""What travels on topics: one Struct a record, JSON in camelCase, RFC 3339 UTC times.

Owns shapes and their encoding; what the values mean is decided in `streams.identity`.
"""
