"""N queens three ways: backtracking over lists, a generator over bit masks, and permutations."""

from itertools import permutations


def backtrack(size):
    columns, rising, falling = set(), set(), set()
    board, found = [], []

    def place(row):
        if row == size:
            found.append(tuple(board))
            return
        for column in range(size):
            if column in columns or row + column in rising or row - column in falling:
                continue
            columns.add(column)
            rising.add(row + column)
            falling.add(row - column)
            board.append(column)
            place(row + 1)
            board.pop()
            columns.remove(column)
            rising.remove(row + column)
            falling.remove(row - column)

    place(0)
    return found


def masks(size, row=0, columns=0, left=0, right=0):
    """Yield the column of each queen, row by row, as one tuple per solution."""
    if row == size:
        yield ()
        return
    free = ((1 << size) - 1) & ~(columns | left | right)
    while free:
        bit = free & -free
        free ^= bit
        for rest in masks(size, row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1):
            yield (bit.bit_length() - 1, *rest)


def by_permutation(size):
    return [
        p
        for p in permutations(range(size))
        if len({p[i] + i for i in range(size)}) == len({p[i] - i for i in range(size)}) == size
    ]


def draw(solution):
    return "\n".join(" ".join("Q" if c == q else "." for c in range(len(solution))) for q in solution)


def reflected(solution):
    return tuple(len(solution) - 1 - q for q in solution)


def main():
    for size, expected in ((1, 1), (2, 0), (3, 0), (4, 2), (5, 10), (6, 4)):
        listed = backtrack(size)
        assert len(listed) == expected, (size, len(listed))
        assert listed == sorted(masks(size)) == by_permutation(size)
        assert {reflected(s) for s in listed} == set(listed)
        print(f"{size} queens: {expected} solutions")
        if listed:
            print(draw(listed[0]))


if __name__ == "__main__":
    main()
