"""Circular with cart: imported from there, it finds that module begun but empty."""

import sys

import pkg_shop.orders.cart
from .. import loaded

loaded.append(f"history, cart has Cart: {hasattr(sys.modules['pkg_shop.orders.cart'], 'Cart')}")
orders = []


def record(cart):
    from .cart import Cart

    assert isinstance(cart, Cart)
    orders.append((cart.owner, cart.total()))
    return len(orders), orders[-1]
