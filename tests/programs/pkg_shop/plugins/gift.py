from ..prices import PRICES
from .. import loaded as _loaded

counter = sum(entry == "gift" for entry in _loaded)
_loaded.append("gift")


def wrap(name):
    return f"<{name} of {len(PRICES)}>"
