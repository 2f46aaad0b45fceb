"""What goes wrong on the command line, as one sentence. Owns which errors speak for themselves."""

from pydantic import ValidationError

# Packages whose errors are written for whoever runs the command.
_OURS = frozenset({"api", "streams", "pipelines", "warehouse"})


class CommandError(Exception):
    """The command cannot do what was asked; the message says what to change."""


def sentence(error: Exception) -> str:
    """Return what to tell the user; of an error nobody foresaw, how to see more."""
    if isinstance(error, ValidationError):
        return "the settings cannot be used: " + "; ".join(
            f"{_setting(error.title, problem['loc'])}{problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        )
    if type(error).__module__.partition(".")[0] in _OURS:
        return str(error)
    return f"{type(error).__name__}: {error} (run again with --debug to see where)"


def _setting(model: str, location: tuple[int | str, ...]) -> str:
    """Return the name of the environment variable at fault, with a colon, where one is."""
    if not location:
        return ""
    prefix = "KAFKA_" if model == "ClusterSettings" else ""
    return f"{prefix}{location[0]}".upper() + ": "
