"""Why a command is not carried out."""


class RefusedError(Exception):
    """A command that cannot be carried out; the text says why, and what to do.

    It quotes no number, address or name: it may outlive the erasure of whoever it would name.
    """
