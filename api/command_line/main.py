"""`omnichannel`: the one command. Wires the subjects; each is a module of its own beside this one.

Subjects are named, not imported, so that starting a worker does not wait for the warehouse.
"""

import sys
from typing import Annotated

import cyclopts

from api.command_line.errors import sentence

app = cyclopts.App(
    name="omnichannel",
    help="Every person who starts a conversation becomes exactly one customer, at once.",
)
_SUBJECTS = (
    ("demo", "demo", "Show the whole system at work on this machine, and check its figures."),
    ("broker", "app", "Run a Kafka broker on this machine, in the background."),
    ("topics", "topics", "Create what is missing, then list every topic."),
    ("worker", "worker", "Turn messages into customers until told to stop."),
    ("api", "api", "Take what platforms deliver, over HTTP, until told to stop."),
    ("keys", "app", "Make, list and revoke the keys that the API is called with."),
    ("enrich", "enrich", "Look up names and pictures of who came, until told to stop."),
    ("generate", "generate", "Send made-up messages, and print what must come of them."),
    ("send", "send", "Send canonical messages of your own."),
    ("policy", "app", "Show what tenants decide about identities, or set it."),
    ("what_if", "what_if", "Say whom another policy would merge and split, before it is set."),
    ("load", "load", "Load customers and messages into the warehouse."),
    ("export", "export", "Write the published tables as Parquet files."),
    ("reconcile", "reconcile", "Compare the warehouse with the stream, tenant by tenant."),
    ("sweep", "sweep", "Remove from Kafka what it still holds of erased people."),
    ("why", "why", "Say who a customer is made of, and on what evidence."),
    ("dead_letters", "app", "Look at what could not be understood; put it back."),
    ("contracts", "app", "Write or check the documents of all topics."),
)
for _name, _attribute, _help in _SUBJECTS:
    app.command(f"api.command_line.{_name}:{_attribute}", name=_name.replace("_", "-"), help=_help)

_INTERRUPTED = 130  # what shells expect after Ctrl-C


@app.meta.default
def run(
    *tokens: Annotated[str, cyclopts.Parameter(show=False, allow_leading_hyphen=True)],
    debug: Annotated[
        bool,
        cyclopts.Parameter(
            env_var="OMNICHANNEL_DEBUG", negative=(), help="Show where an error comes from."
        ),
    ] = False,
) -> None:
    """Run a command; an error becomes one sentence and exit status 1."""
    try:
        app(tokens)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except Exception as error:
        if debug:
            raise
        print(f"omnichannel: {sentence(error)}", file=sys.stderr)
        sys.exit(1)


def main() -> None:
    """Run the command that the arguments name."""
    app.meta()
