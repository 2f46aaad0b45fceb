"""`python -m api.command_line`: the `omnichannel` command, where the script is not on the path."""

from api.command_line.main import main

main()
