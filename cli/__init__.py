"""The `vmtrace` command."""
