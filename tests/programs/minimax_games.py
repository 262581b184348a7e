"""Noughts and crosses by minimax with pruning, Nim by Grundy numbers, knapsack and change by dynamic programming."""

from functools import cache
from itertools import groupby

LINES = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]


class Board:
    def __init__(self, cells=" " * 9):
        self.cells = cells

    def __str__(self):
        return "/".join(self.cells[i : i + 3].replace(" ", ".") for i in (0, 3, 6))

    @property
    def turn(self):
        return "X" if self.cells.count("X") == self.cells.count("O") else "O"

    @property
    def winner(self):
        for a, b, c in LINES:
            if self.cells[a] == self.cells[b] == self.cells[c] != " ":
                return self.cells[a]
        return None

    def moves(self):
        return [i for i, cell in enumerate(self.cells) if cell == " "]

    def play(self, at):
        if self.cells[at] != " ":
            raise ValueError(f"{at} is taken in {self}")
        return Board(self.cells[:at] + self.turn + self.cells[at + 1 :])


class Search:
    def __init__(self, prune=True):
        self.prune, self.visited = prune, 0

    def value(self, board, low=-2, high=2):
        """What X gets with best play: 1, 0 or -1."""
        self.visited += 1
        if (winner := board.winner) is not None:
            return 1 if winner == "X" else -1
        if not (moves := board.moves()):
            return 0
        best = -2 if board.turn == "X" else 2
        for move in moves:
            got = self.value(board.play(move), low, high)
            if board.turn == "X":
                best, low = max(best, got), max(low, got)
            else:
                best, high = min(best, got), min(high, got)
            if self.prune and low >= high:
                break
        return best

    def best(self, board):
        sign = 1 if board.turn == "X" else -1
        return max(board.moves(), key=lambda move: (sign * self.value(board.play(move)), -move))


def game(board, search):
    while board.winner is None and board.moves():
        board = board.play(search.best(board))
        yield str(board)
    yield board.winner or "draw"


@cache
def grundy(pile, takes=(1, 3, 4)):
    reachable = {grundy(pile - take, takes) for take in takes if take <= pile}
    value = 0
    while value in reachable:
        value += 1
    return value


def nim_move(piles):
    total = 0
    for pile in piles:
        total ^= grundy(pile)
    if not total:
        return None
    for index, pile in enumerate(piles):
        for take in (1, 3, 4):
            if take <= pile and grundy(pile - take) == grundy(pile) ^ total:
                return index, take


def knapsack(items, capacity):
    table = [[0] * (capacity + 1)]
    for name, weight, worth in items:
        last = table[-1]
        table.append(
            [max(last[c], last[c - weight] + worth) if c >= weight else last[c] for c in range(capacity + 1)]
        )
    chosen, left = [], capacity
    for (name, weight, worth), before, after in reversed([*zip(items, table, table[1:])]):
        if after[left] != before[left]:
            chosen.append(name)
            left -= weight
    return table[-1][-1], chosen[::-1]


def change(coins, amount):
    ways = [1] + [0] * amount
    fewest = [0] + [None] * amount
    for coin in coins:
        for total in range(coin, amount + 1):
            ways[total] += ways[total - coin]
            if fewest[total - coin] is not None and (
                fewest[total] is None or fewest[total - coin] + 1 < fewest[total]
            ):
                fewest[total] = fewest[total - coin] + 1
    return ways[amount], fewest[amount]


def increasing(values):
    """The longest increasing subsequence, by patience."""
    piles, back = [], {}
    for i, value in enumerate(values):
        low, high = 0, len(piles)
        while low < high:
            middle = (low + high) // 2
            if values[piles[middle]] < value:
                low = middle + 1
            else:
                high = middle
        back[i] = piles[low - 1] if low else None
        piles[low : low + 1] = [i]
    at, result = piles[-1] if piles else None, []
    while at is not None:
        result.append(values[at])
        at = back[at]
    return result[::-1]


@cache
def bracketings(n):
    if n == 0:
        return [""]
    return [f"({a}){b}" for k in range(n) for a in bracketings(k) for b in bracketings(n - 1 - k)]


start = Board("X O  O  X")
pruned, full = Search(), Search(prune=False)
assert pruned.value(start) == full.value(start)
print(start, start.turn, pruned.value(start), pruned.visited < full.visited, full.visited)
print(*game(Board("X   O   X"), Search()), *game(Board("XX OO    "), Search()))
try:
    start.play(0)
except ValueError as error:
    print(error)
print([grundy(n) for n in range(12)], nim_move((3, 5, 6)), nim_move((2, 2)), grundy.cache_info().currsize)
print(
    knapsack(
        [("map", 9, 150), ("compass", 13, 35), ("water", 15, 200), ("food", 10, 160), ("tent", 20, 250)], 35
    ),
    knapsack([], 5),
)
print(
    change([1, 5, 10, 25], 50),
    change([4, 6], 7),
    change([], 0),
    increasing([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]),
    increasing([]),
)
print(
    bracketings(3),
    len(bracketings(6)),
    [(k, len(list(g))) for k, g in groupby(sorted(map(len, (b.split("()") for b in bracketings(4)))))],
)
