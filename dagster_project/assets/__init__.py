"""The assets, one module a layer: topics, raw tables, marts, and the published copy."""
