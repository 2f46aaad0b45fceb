"""Every platform in its own words: one pure file each, from a native body to canonical messages.

Nothing here opens anything, and nothing raises on odd input: what cannot be used gets a name.
"""
