"""A module in a namespace package: no __init__.py above it."""

from . import __name__ as package


def up():
    from .. import __name__ as above

    return package, above
