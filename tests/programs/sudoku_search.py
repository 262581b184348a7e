"""Sudoku by constraint propagation and search; exact cover by Knuth's algorithm X on dicts; both agree."""

from itertools import product

PUZZLE = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
SMALL = "1......22...4..."  # 4 by 4


class Contradiction(Exception):
    pass


class Sudoku:
    def __init__(self, box):
        self.box, self.size = box, box * box
        self.cells = list(product(range(self.size), repeat=2))
        units = [[(r, c) for c in range(self.size)] for r in range(self.size)]
        units += [[(r, c) for r in range(self.size)] for c in range(self.size)]
        units += [
            [(r + i, c + j) for i in range(box) for j in range(box)]
            for r in range(0, self.size, box)
            for c in range(0, self.size, box)
        ]
        self.units = {cell: [u for u in units if cell in u] for cell in self.cells}
        self.peers = {cell: {p for u in self.units[cell] for p in u} - {cell} for cell in self.cells}
        self.guesses = 0

    def parse(self, text):
        values = {cell: set(range(1, self.size + 1)) for cell in self.cells}
        for cell, digit in zip(self.cells, text):
            if digit != ".":
                self.assign(values, cell, int(digit))
        return values

    def assign(self, values, cell, digit):
        for other in sorted(values[cell] - {digit}):
            self.eliminate(values, cell, other)

    def eliminate(self, values, cell, digit):
        if digit not in values[cell]:
            return
        values[cell].remove(digit)
        if not values[cell]:
            raise Contradiction(cell)
        if len(values[cell]) == 1:
            (last,) = values[cell]
            for peer in sorted(self.peers[cell]):
                self.eliminate(values, peer, last)
        for unit in self.units[cell]:
            match [c for c in unit if digit in values[c]]:
                case []:
                    raise Contradiction(cell)
                case [place] if len(values[place]) > 1:
                    self.assign(values, place, digit)

    def search(self, values):
        open_cells = [(len(v), cell) for cell, v in values.items() if len(v) > 1]
        if not open_cells:
            yield {cell: next(iter(v)) for cell, v in values.items()}
            return
        _, cell = min(open_cells)
        for digit in sorted(values[cell]):
            self.guesses += 1
            attempt = {c: set(v) for c, v in values.items()}
            try:
                self.assign(attempt, cell, digit)
            except Contradiction:
                continue
            yield from self.search(attempt)

    def solve(self, text):
        try:
            yield from self.search(self.parse(text))
        except Contradiction as error:
            print("contradiction at", *error.args)

    def show(self, solution):
        return "".join(str(solution[cell]) for cell in self.cells)


def exact_cover(columns, rows, partial=()):
    """Algorithm X: rows that together hold each column once."""
    if not columns:
        yield list(partial)
        return
    column = min(columns, key=lambda c: (len(columns[c]), str(c)))
    for row in sorted(columns[column]):
        removed = select(columns, rows, row)
        yield from exact_cover(columns, rows, (*partial, row))
        deselect(columns, rows, row, removed)


def select(columns, rows, row):
    removed = []
    for column in rows[row]:
        for other in columns[column]:
            for c in rows[other]:
                if c != column:
                    columns[c].remove(other)
        removed.append(columns.pop(column))
    return removed


def deselect(columns, rows, row, removed):
    for column in reversed(rows[row]):
        columns[column] = removed.pop()
        for other in columns[column]:
            for c in rows[other]:
                if c != column:
                    columns[c].add(other)


def as_cover(box, text):
    size = box * box
    rows = {
        (r, c, d): [("cell", r, c), ("row", r, d), ("column", c, d), ("box", r // box * box + c // box, d)]
        for r, c, d in product(range(size), range(size), range(1, size + 1))
    }
    columns = {}
    for row, held in rows.items():
        for column in held:
            columns.setdefault(column, set()).add(row)
    given = [(i // size, i % size, int(d)) for i, d in enumerate(text) if d != "."]
    for row in given:
        select(columns, rows, row)
    for solution in exact_cover(columns, rows, given):
        yield "".join(str(d) for _, _, d in sorted(solution))


large = Sudoku(3)
(solution,) = large.solve(PUZZLE)
text = large.show(solution)
print("\n".join(text[i : i + 9] for i in range(0, 81, 9)), large.guesses)
assert all({solution[c] for c in unit} == set(range(1, 10)) for unit in large.units[0, 0] + large.units[4, 4])
small = Sudoku(2)
by_search = sorted(small.show(s) for s in small.solve(SMALL))
by_cover = sorted(as_cover(2, SMALL))
print(by_search, small.guesses, by_search == by_cover)
print(list(small.solve("11" + "." * 14)), len(list(as_cover(2, "1234" + "." * 12))))
