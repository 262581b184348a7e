"""dataclasses and enums: defaults, ordering, freezing, slots, inheritance, flags, members with methods."""

from dataclasses import (
    FrozenInstanceError,
    InitVar,
    asdict,
    astuple,
    dataclass,
    field,
    fields,
    replace,
    KW_ONLY,
)
from enum import Enum, Flag, IntEnum, StrEnum, auto, unique
from typing import ClassVar


class Suit(Enum):
    CLUBS = "c"
    HEARTS = "h"
    SPADES = "s"

    @property
    def red(self):
        return self is Suit.HEARTS

    @classmethod
    def parse(cls, text):
        return cls(text.lower())


class Rank(IntEnum):
    JACK = 11
    QUEEN = auto()
    KING = auto()
    KNAVE = 11


@dataclass(order=True, frozen=True)
class Card:
    rank: int
    suit: Suit = field(compare=False, default=Suit.SPADES)

    def __str__(self):
        return f"{Rank(self.rank).name.title() if self.rank > 10 else self.rank} of {self.suit.name.lower()}"


@dataclass
class Hand:
    owner: str
    _: KW_ONLY
    cards: list[Card] = field(default_factory=list)
    limit: ClassVar[int] = 3
    secret: InitVar[int] = 7
    checksum: int = field(init=False, repr=False, default=0)

    def __post_init__(self, secret):
        self.checksum = secret * len(self.owner)

    def take(self, *cards):
        if len(self.cards) + len(cards) > self.limit:
            raise OverflowError(f"{self.owner} may hold {self.limit}")
        self.cards.extend(cards)
        return self


@dataclass(slots=True)
class Point:
    x: float
    y: float = 0.0


@dataclass(slots=True)
class Point3(Point):
    z: float = 0.0

    @property
    def length(self):
        return (self.x**2 + self.y**2 + self.z**2) ** 0.5


class Permission(Flag):
    READ = auto()
    WRITE = auto()
    RUN = auto()
    ALL = READ | WRITE | RUN


class Colour(StrEnum):
    RED = auto()
    DEEP_BLUE = auto()


class Planet(Enum):
    EARTH = (5.976e24, 6.37814e6)
    MARS = (6.421e23, 3.3972e6)

    def __init__(self, mass, radius):
        self.mass, self.radius = mass, radius

    @property
    def gravity(self):
        return 6.6743e-11 * self.mass / self.radius**2


deck = [Card(rank, suit) for suit in Suit for rank in (2, 10, Rank.KNAVE, Rank.KING)]
print([str(card) for card in sorted(deck)[:4]], str(max(deck)))
assert Card(2) == Card(2, Suit.HEARTS) and Card(2) < Card(3) and hash(Card(2)) == hash(Card(2, Suit.CLUBS))
hand = Hand("ann", cards=[deck[0]]).take(deck[3], deck[5])
print(hand, hand.checksum, [f.name for f in fields(hand)])
print(asdict(Point3(1, 2, 2)), astuple(Point(3)), Point3(1, 2, 2).length, replace(Point3(1, 2, 2), z=0))
assert not hasattr(Point(1), "__dict__") and Point3(2, 3, 6).length == 7.0
print(
    Suit.parse("H"),
    Suit.parse("H").red,
    Suit["CLUBS"].value,
    Suit.CLUBS in Suit,
    list(Rank),
    Rank.KNAVE is Rank.JACK,
)
print(
    Permission.READ | Permission.RUN,
    Permission.ALL & ~Permission.WRITE,
    bool(Permission.READ & Permission.WRITE),
)
print(Permission.WRITE in Permission.ALL, [p.name for p in Permission], Permission(3))
print(
    Colour.DEEP_BLUE, f"{Colour.RED:>6}", Colour("red") == "red", round(Planet.EARTH.gravity, 2), Planet.MARS
)


def failing():
    yield lambda: setattr(Card(2), "rank", 3), FrozenInstanceError
    yield lambda: hand.take(deck[0]), OverflowError
    yield lambda: Suit("x"), ValueError
    yield lambda: Suit["X"], KeyError
    yield lambda: setattr(Point(1), "w", 1), AttributeError
    yield lambda: Hand("bob", [deck[0]]), TypeError
    yield lambda: setattr(Suit, "CLUBS", 1), AttributeError
    yield lambda: unique(Enum("Twice", {"a": 1, "b": 1})), ValueError


for action, expected in failing():
    try:
        action()
    except expected as error:
        print(expected.__name__, error)
    else:
        raise AssertionError(expected)
