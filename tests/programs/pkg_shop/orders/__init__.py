from .. import loaded

loaded.append("orders begins")

from .cart import Cart, checkout
from . import history

__all__ = ["Cart", "checkout", "history"]
_hidden = "not exported"
helper = "not in __all__"
loaded.append("orders ends")
