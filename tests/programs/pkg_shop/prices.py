from pkg_shop import loaded

try:
    reloads += 1
except NameError:
    reloads = 0
    loaded.append("prices")
PRICES = {"apple": 2, "pear": 3}
