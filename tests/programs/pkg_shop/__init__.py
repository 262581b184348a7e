"""A package: names it sets before and after its own imports, and one made on demand."""

loaded = ["pkg_shop begins"]
VERSION = "1.0"

from . import prices
from .orders import Cart as _Cart

loaded.append("pkg_shop ends")


def __getattr__(name):
    if name == "lazy_attribute":
        loaded.append("asked for lazy_attribute")
        globals()[name] = "made once"
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
