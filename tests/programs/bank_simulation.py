"""A bank: accounts with invariants, transactions that roll back, an event loop on a heap, reports by format."""

import contextlib
import heapq
import random
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import count


class BankError(Exception):
    """Base of what can go wrong."""


class Insufficient(BankError):
    def __init__(self, account, needed):
        super().__init__(f"{account.owner} lacks {needed - account.balance}")
        self.account = account


class Closed(BankError):
    pass


class Money(Decimal):
    def __new__(cls, value="0"):
        return super().__new__(cls, Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_EVEN))

    def __add__(self, other):
        return Money(super().__add__(Decimal(other)))

    __radd__ = __add__

    def __sub__(self, other):
        return Money(super().__sub__(Decimal(other)))

    def __mul__(self, other):
        return Money(super().__mul__(Decimal(str(other))))


class Account:
    numbers = count(1000)
    fee = Money("0.00")

    def __init__(self, owner, balance="0"):
        self.owner, self.number, self._balance = owner, next(self.numbers), Money(balance)
        self.history, self.closed = [], False

    @property
    def balance(self):
        return self._balance

    def change(self, amount, what):
        if self.closed:
            raise Closed(f"account {self.number} is closed")
        after = self._balance + amount - (self.fee if amount < 0 else 0)
        if after < self.floor():
            raise Insufficient(self, -amount)
        self._balance = after
        self.history.append((what, amount))

    def floor(self):
        return Money()

    def __repr__(self):
        return f"<{type(self).__name__} {self.number} {self.owner} {self.balance}>"


class Checking(Account):
    fee = Money("0.25")

    def __init__(self, *args, overdraft="50"):
        super().__init__(*args)
        self.overdraft = Money(overdraft)

    def floor(self):
        return super().floor() - self.overdraft


class Savings(Account):
    def __init__(self, *args, rate=0.01):
        super().__init__(*args)
        self.rate = rate

    def accrue(self):
        self.change(self.balance * self.rate, "interest")


class Bank:
    def __init__(self):
        self.accounts, self.log = {}, []

    def open(self, kind, *args, **options):
        account = kind(*args, **options)
        self.accounts[account.number] = account
        return account

    @contextlib.contextmanager
    def transaction(self, name):
        before = {n: (a._balance, len(a.history)) for n, a in self.accounts.items()}
        try:
            yield self
        except BankError as error:
            for number, (balance, entries) in before.items():
                account = self.accounts[number]
                account._balance = balance
                del account.history[entries:]
            self.log.append(f"{name} rolled back: {error}")
        else:
            self.log.append(f"{name} done")

    def transfer(self, source, target, amount):
        with self.transaction(f"transfer {source.owner}->{target.owner} {amount}"):
            target.change(Money(amount), "in")
            source.change(Money(0) - Money(amount), "out")

    @property
    def total(self):
        return sum((a.balance for a in self.accounts.values()), Money())


@dataclass(order=True)
class Event:
    time: int
    order: int
    action: object = field(compare=False)
    arguments: tuple = field(compare=False, default=())


class Simulation:
    def __init__(self, seed):
        self.random, self.queue, self.order, self.now = random.Random(seed), [], count(), 0

    def at(self, delay, action, *arguments):
        heapq.heappush(self.queue, Event(self.now + delay, next(self.order), action, arguments))

    def run(self, until):
        done = 0
        while self.queue and self.queue[0].time <= until:
            event = heapq.heappop(self.queue)
            self.now = event.time
            event.action(*event.arguments)
            done += 1
        return done


bank = Bank()
ann, bob, eve = (
    bank.open(Checking, "ann", "100"),
    bank.open(Savings, "bob", "200", rate=0.05),
    bank.open(Checking, "eve", overdraft="0"),
)
simulation = Simulation(7)


def shop(account, left):
    with bank.transaction(f"{account.owner} shops at {simulation.now}"):
        account.change(Money(-simulation.random.randint(5, 60)), "shop")
    if left:
        simulation.at(simulation.random.randint(1, 5), shop, account, left - 1)


def interest():
    bob.accrue()
    simulation.at(10, interest)


simulation.at(0, shop, ann, 5)
simulation.at(1, shop, eve, 1)
simulation.at(5, interest)
simulation.at(6, bank.transfer, bob, eve, "75.5")
simulation.at(7, bank.transfer, eve, ann, "1000")
print(simulation.run(25), simulation.now)
eve.closed = True
bank.transfer(ann, eve, 1)
print(*bank.log, sep="\n")
print(*bank.accounts.values(), bank.total)
by_kind = defaultdict(Money)
for account in bank.accounts.values():
    for what, amount in account.history:
        by_kind[what] += amount
print({k: str(v) for k, v in sorted(by_kind.items())}, f"{bank.total:>10,.1f}", len(simulation.queue))
