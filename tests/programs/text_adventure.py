"""A text adventure: a state machine of rooms, items and commands, played from a script."""

from dataclasses import dataclass, field
from enum import Enum, auto


class State(Enum):
    PLAYING = auto()
    WON = auto()
    LOST = auto()


@dataclass
class Room:
    name: str
    text: str
    exits: dict[str, str] = field(default_factory=dict)
    items: set[str] = field(default_factory=set)
    dark: bool = False


class Adventure:
    def __init__(self):
        rooms = [
            Room("hall", "A hall with a dusty carpet.", {"north": "library", "east": "cellar"}, {"lamp"}),
            Room("library", "Shelves of traces.", {"south": "hall"}, {"book", "key"}),
            Room("cellar", "Water drips.", {"west": "hall", "down": "vault"}, {"coin"}, dark=True),
            Room("vault", "A heavy door is open.", {"up": "cellar"}, {"treasure"}, dark=True),
        ]
        self.rooms = {room.name: room for room in rooms}
        self.here = self.rooms["hall"]
        self.bag: set[str] = set()
        self.lit = False
        self.state = State.PLAYING
        self.turns = self.dark_turns = 0

    @property
    def visible(self):
        return not self.here.dark or self.lit

    def describe(self):
        if not self.visible:
            return "It is dark."
        seen = f" You see: {', '.join(sorted(self.here.items))}." if self.here.items else ""
        return f"{self.here.text}{seen} Exits: {', '.join(self.here.exits)}."

    def command(self, line):
        self.turns += 1
        match line.split():
            case []:
                return "Say something."
            case ["look"]:
                return self.describe()
            case ["go", ("north" | "south" | "east" | "west" | "up" | "down") as way]:
                return self.go(way)
            case ["go", way]:
                return f"{way!r} is no direction."
            case ["take", "all"]:
                return "; ".join(self.take(item) for item in sorted(self.here.items)) or "Nothing here."
            case ["take", *items] if items:
                return "; ".join(map(self.take, items))
            case ["drop", item] if item in self.bag:
                self.bag.remove(item)
                self.here.items.add(item)
                return f"Dropped {item}."
            case ["light", "lamp"]:
                self.lit = "lamp" in self.bag
                return "The lamp glows." if self.lit else "You have no lamp."
            case ["bag"]:
                return ", ".join(sorted(self.bag)) or "Empty."
            case [("quit" | "exit"), *_]:
                self.state = State.LOST
                return "You leave."
            case [verb, *_]:
                return f"You cannot {verb}."

    def go(self, way):
        if way not in self.here.exits:
            return "You bump into a wall."
        if way == "down" and "key" not in self.bag:
            return "The hatch is locked."
        self.here = self.rooms[self.here.exits[way]]
        if not self.visible:
            self.dark_turns += 1
            if self.dark_turns > 1:
                self.state = State.LOST
                return "You fall into a pit."
        if self.here.name == "hall" and "treasure" in self.bag:
            self.state = State.WON
            return f"You win after {self.turns} turns."
        return self.describe()

    def take(self, item):
        if not self.visible:
            return "You grope about."
        try:
            self.here.items.remove(item)
        except KeyError:
            return f"There is no {item}."
        self.bag.add(item)
        return f"Taken: {item}."


def play(script):
    game = Adventure()
    for line in script:
        print(f"> {line}\n{game.command(line)}")
        if game.state is not State.PLAYING:
            break
    print("*", game.state.name, game.turns, sorted(game.bag))
    return game.state


WINNING = """look;bag;take sword lamp;go east;light lamp;look;go down;go west;go north;take all;go south;go east
go down;take treasure;drop book;drop book;go up;go sideways;dance wildly;go west;look""".replace(
    "\n", ";"
).split(";")
assert play(WINNING) is State.WON
assert play(["", "light lamp", "go east", "take coin", "go down", "go west", "go east", "look"]) is State.LOST
assert play(["quit now", "look"]) is State.LOST
assert play(["go south"]) is State.PLAYING
