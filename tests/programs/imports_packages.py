"""Imports: packages, relative, circular, star, lazy, reloaded, namespace packages, failing ones, hooks, __import__."""

import importlib
import sys

import pkg_shop
import pkg_shop.orders.cart as cart_module
from pkg_shop import VERSION, orders, prices as price_list
from pkg_shop.orders import *
from pkg_shop.orders.cart import Cart as Basket
from pkg_shop.orders.history import record

print(pkg_shop.__name__, pkg_shop.__package__, VERSION, pkg_shop.loaded)
print(cart_module.__name__, cart_module.__package__, orders.cart is cart_module, price_list.__name__)
print(
    sorted(n for n in dir() if n in ("Cart", "checkout", "_hidden", "history", "cart", "helper")),
    Basket is Cart,
)

cart = Cart("ann")
cart.add("apple", 3)
cart.add("pear")
print(checkout(cart), record(cart), cart.total())
print(pkg_shop.lazy_attribute, pkg_shop.lazy_attribute)


def inside_function():
    from pkg_shop import prices
    import pkg_shop.plugins.gift as gift
    import pkg_shop.orders.history

    return prices.PRICES["apple"], gift.wrap("x"), pkg_shop.orders.history.__name__, sorted(locals())


class InClass:
    import math as numbers
    from os import path, sep as separator

    root = numbers.sqrt(16)


print(inside_function(), InClass.root, InClass.separator == InClass.path.sep)


def failing():
    yield "import pkg_shop.nothing"
    yield "from pkg_shop import nothing"
    yield "from pkg_shop.orders import missing_name"
    yield "import absent_package.module"
    yield "from . import sibling"
    yield "import pkg_shop.prices.deeper"
    yield "import pkg_shop.plugins.broken"
    yield "from pkg_shop.plugins.selfish import value"
    yield "__import__('')"


for text in failing():
    try:
        exec(text)
    except Exception as error:
        # Where the file lies is not part of the message that is compared.
        print(text, "!", type(error).__name__, str(error).split(" (")[0], getattr(error, "name", None))
print("pkg_shop.plugins.broken" in sys.modules, hasattr(pkg_shop.plugins, "broken"), pkg_shop.loaded)

before = price_list.PRICES
price_list.PRICES["apple"] = 100
again = importlib.reload(price_list)
print(again is price_list, price_list.PRICES is before, price_list.PRICES["apple"], price_list.reloads)
del sys.modules["pkg_shop.plugins.gift"]
fresh = importlib.import_module(".plugins.gift", "pkg_shop")
print(
    fresh.counter,
    pkg_shop.plugins.gift is fresh,
    __import__("pkg_shop.orders").__name__,
    __import__("pkg_shop.orders", fromlist=["cart"]).__name__,
)
import pkg_space.part.leaf
from pkg_space.part import leaf

print(pkg_space.__spec__.origin, leaf.up(), leaf.__name__)


class Finder:
    """A meta path hook that makes modules out of nothing."""

    asked = []

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.startswith("invented"):
            cls.asked.append(name)
            return importlib.machinery.ModuleSpec(name, cls, is_package=True)
        return None

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        module.answer = len(module.__name__)


sys.meta_path.append(Finder)
import importlib.machinery
import invented.thing
from invented import answer as count

print(invented.answer, invented.thing.answer, count, Finder.asked)
sys.meta_path.remove(Finder)
sys.modules["planted"] = type(sys)("planted", "a module by hand")
sys.modules["planted"].value = 7
from planted import value, __doc__ as text

print(value, text)
sys.modules["blocked"] = None
try:
    import blocked
except ModuleNotFoundError as error:
    print(error)
