"""Circular with history: each imports the other, one of them late."""

from .. import loaded, prices
from . import history as past

loaded.append("cart")


class Cart:
    def __init__(self, owner):
        self.owner, self.items = owner, {}

    def add(self, name, count=1):
        self.items[name] = self.items.get(name, 0) + count

    def total(self):
        return sum(prices.PRICES[name] * count for name, count in self.items.items())


def checkout(cart):
    return past.record(cart)
