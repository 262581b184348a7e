"""Recursion: fibonacci, Ackermann, Hanoi, mutual, permutations, flood fill, and the limit itself."""

import sys


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def hanoi(disks, source="A", target="C", spare="B"):
    if disks:
        yield from hanoi(disks - 1, source, spare, target)
        yield disks, source, target
        yield from hanoi(disks - 1, spare, target, source)


def is_even(n):
    return True if n == 0 else is_odd(n - 1)


def is_odd(n):
    return False if n == 0 else is_even(n - 1)


def permutations(items):
    if not items:
        return [[]]
    return [
        [item, *rest] for i, item in enumerate(items) for rest in permutations(items[:i] + items[i + 1 :])
    ]


def fill(grid, row, column, new):
    old = grid[row][column]

    def visit(r, c):
        if 0 <= r < len(grid) and 0 <= c < len(grid[0]) and grid[r][c] == old:
            grid[r][c] = new
            return 1 + sum(visit(r + dr, c + dc) for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0)))
        return 0

    return visit(row, column) if old != new else 0


def partitions(n, largest=None):
    largest = n if largest is None else largest
    if n == 0:
        return 1
    return sum(partitions(n - k, k) for k in range(1, min(n, largest) + 1))


def depth(n=0):
    """How deep we get: the deepest frame catches nothing, the outermost does."""
    return depth(n + 1)


class Chain:
    def __init__(self, length):
        self.next = Chain(length - 1) if length else None

    def __repr__(self):
        return f"-{self.next!r}" if self.next else "."


print([fibonacci(n) for n in range(12)])
print([ackermann(m, n) for m in range(3) for n in range(4)])
pegs = {"A": [4, 3, 2, 1], "B": [], "C": []}
moves = list(hanoi(4))
for disk, source, target in moves:
    assert pegs[source].pop() == disk and (not pegs[target] or pegs[target][-1] > disk)
    pegs[target].append(disk)
print(len(moves), pegs)
assert is_even(60) and is_odd(61) and not is_even(7)
assert len(permutations([1, 2, 3, 4])) == 24 and permutations([1, 2])[1] == [2, 1]
print(permutations("abc"))
grid = [list(row) for row in ("..#..", ".##..", "#....")]
print(fill(grid, 0, 0, "o"), fill(grid, 0, 4, "x"), fill(grid, 0, 4, "x"))
print("\n".join("".join(row) for row in grid))
print([partitions(n) for n in range(10)], Chain(5))
before = sys.getrecursionlimit()
sys.setrecursionlimit(200)
try:
    depth()
except RecursionError as error:
    text = str(error)
finally:
    sys.setrecursionlimit(before)
assert text.startswith("maximum recursion depth exceeded"), text
loop = []
loop.append(loop)
assert repr(loop) == "[[...]]"
