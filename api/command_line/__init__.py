"""The `omnichannel` command: one module a subject, wired in main.py."""
