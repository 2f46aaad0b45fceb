"""Ports on the loopback interface: which are free, which are answered.

Owns no connection: a port that is free now may be taken the next moment, so callers try again.
"""

import socket

LOOPBACK = "127.0.0.1"  # never another interface: a local broker has no passwords


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_answered(port: int) -> bool:
    """Return whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def is_free(port: int) -> bool:
    """Return whether a server could listen there."""
    # Asked first: macOS lets a program bind to loopback beside one that listens on all interfaces.
    if is_answered(port):
        return False
    with socket.socket() as probe:
        # As both brokers do: connections of the last minute that linger are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
