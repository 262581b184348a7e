"""Exceptions raised and handled near and far, with finally and with."""

import sys


class Refused(Exception):
    def __init__(self, amount):
        super().__init__(amount)
        self.amount = amount


class Ledger:
    def __init__(self):
        self.open = self.failed = 0

    def __enter__(self):
        self.open += 1
        return self

    def __exit__(self, kind, error, traceback):
        self.failed += kind is not None
        return kind is not None and issubclass(kind, LookupError)


def withdraw(balance, amount):
    if amount > balance:
        raise Refused(amount - balance)
    return balance - amount


def passed_on(balance, amount, depth):
    if depth:
        return passed_on(balance, amount, depth - 1)
    return withdraw(balance, amount)


def parsed(text):
    try:
        return int(text)
    except ValueError:
        return len(text)


def main(scale):
    ledger, prices, total = Ledger(), {"tea": 3, "jam": 5}, 0
    for i in range(int(1_100_000 * scale)):
        try:
            total += passed_on(i % 100, 60, i % 4)
        except Refused as error:
            total -= error.amount
        finally:
            total += 1
        total += parsed("12" if i % 3 else "x1")
        with ledger:
            total += prices["tea" if i & 1 else "rum"]
        try:
            total += (i, 2)[i % 3]
        except IndexError:
            total += 7
        for word in ("a", "b"):
            if i % 5 == 0:
                continue
            total += ord(word)
    print(total, ledger.open, ledger.failed)


main(float(sys.argv[1]))
