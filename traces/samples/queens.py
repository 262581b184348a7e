"""Places n queens so that none attacks another: recursion, sets, nested loops."""

import sys


def place(n, row, columns, rising, falling):
    """Number of ways to fill the rows from `row` on."""
    if row == n:
        return 1
    ways = 0
    for column in range(n):
        if column in columns or row + column in rising or row - column in falling:
            continue
        ways += place(n, row + 1, columns | {column}, rising | {row + column}, falling | {row - column})
    return ways


def main(n):
    for size in range(1, n + 1):
        print(f"{size} queens: {place(size, 0, frozenset(), frozenset(), frozenset())} ways")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
