"""`python -m vmtrace.cli`: the same command, for a checkout that is not installed."""

from vmtrace.cli.main import main

main()
