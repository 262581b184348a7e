"""The one error a reader of traces meets."""


class TraceError(ValueError):
    """A trace that cannot be read, in one line: the file, what is wrong with it, what to do."""
