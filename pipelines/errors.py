"""What stops a load. Each says what happened to which topic, and what to do; none loses a row."""


class LoadError(Exception):
    """The load stopped before committing; what was committed stays, and a rerun goes on there."""


class BrokerUnreachableError(LoadError):
    """Kafka does not answer at the address we were given."""


class TopicMissingError(LoadError):
    """A topic is not there. Create the topics first."""


class TopicRecreatedError(LoadError):
    """The topic is another one than we loaded from: our offsets mean nothing in it."""


class OffsetsExpiredError(LoadError):
    """Records we have not loaded are gone from the topic: the next one is older than its start."""


class OffsetsMovedError(LoadError):
    """Another loader moved the offsets meanwhile; this batch was rolled back."""


class LoadStalledError(LoadError):
    """The broker holds records that it does not deliver."""
