"""Conway's life on sets and on a torus: a generator of generations, known oscillators and a glider's path."""

from collections import Counter
from itertools import islice, product

BLINKER = "###"
TOAD = """
.###
###.
"""
GLIDER = """
.#.
..#
###
"""
PULSAR_QUARTER = "..###\n.....\n#....#"


def parse(text, origin=(0, 0)):
    rows = text.strip("\n").split("\n")
    return frozenset(
        (r + origin[0], c + origin[1])
        for r, row in enumerate(rows)
        for c, cell in enumerate(row)
        if cell == "#"
    )


def neighbours(cell, size=None):
    row, column = cell
    for dr, dc in product((-1, 0, 1), repeat=2):
        if dr or dc:
            if size is None:
                yield row + dr, column + dc
            else:
                yield (row + dr) % size[0], (column + dc) % size[1]


def step(alive, size=None):
    counts = Counter(n for cell in sorted(alive) for n in neighbours(cell, size))
    return frozenset(cell for cell, count in counts.items() if count == 3 or count == 2 and cell in alive)


def generations(alive, size=None):
    while True:
        yield alive
        alive = step(alive, size)


def period(alive, limit=20, size=None):
    """(first generation of the cycle, its length), or None if none is found."""
    seen = {}
    for number, state in enumerate(islice(generations(alive, size), limit)):
        if state in seen:
            return seen[state], number - seen[state]
        seen[state] = number
    return None


def draw(alive, height, width):
    return "\n".join("".join("#" if (r, c) in alive else "." for c in range(width)) for r in range(height))


class Board:
    """The same rules by slices of rows of integers."""

    def __init__(self, text):
        self.rows = [[int(c == "#") for c in row] for row in text.strip().split("\n")]

    def __iter__(self):
        return iter(self.rows)

    def __getitem__(self, at):
        r, c = at
        return self.rows[r][c] if 0 <= r < len(self.rows) and 0 <= c < len(self.rows[r]) else 0

    def advance(self):
        self.rows = [
            [
                int(self.around(r, c) + self[r, c] == 3 or self.around(r, c) == 2 and self[r, c] == 1)
                for c in range(len(row))
            ]
            for r, row in enumerate(self.rows)
        ]
        return self

    def around(self, r, c):
        return sum(self[i, j] for i in range(r - 1, r + 2) for j in range(c - 1, c + 2)) - self[r, c]

    def __str__(self):
        return "\n".join("".join(".#"[c] for c in row) for row in self)


print(draw(parse(BLINKER, (1, 0)), 3, 3), draw(step(parse(BLINKER, (1, 0))), 3, 3), sep="\n--\n")
print(
    [period(parse(p)) for p in (BLINKER, TOAD, "##\n##", "#")],
    period(parse(GLIDER)),
    period(parse(GLIDER), 40, (5, 5)),
)
glider = parse(GLIDER, (0, 0))
later = next(islice(generations(glider), 4, None))
assert later == frozenset((r + 1, c + 1) for r, c in glider)
for number, state in enumerate(islice(generations(glider, (4, 6)), 3)):
    print(number, draw(state, 4, 6), sep="\n")
board = Board("......\n" + "\n".join(f".{row}." for row in (".##.", "####", ".##.")) + "\n......")
for _ in range(3):
    board.advance()
print(board, sum(map(sum, board)), sep="\n")
infinite = parse(BLINKER, (2, 1))
finite = Board(draw(infinite, 5, 5))
for state in islice(generations(infinite), 1, 5):
    assert str(finite.advance()) == draw(state, 5, 5)
populations = [len(s) for s in islice(generations(parse(".##\n##.\n.#.")), 12)]
print(populations, max(populations))
