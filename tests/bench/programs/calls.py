"""Functions that call functions and do little else."""

import sys


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def clamp(value, low=0, high=255):
    if value < low:
        return low
    if value > high:
        return high
    return value


def blend(first, second, *, weight=2):
    return clamp(first * weight - second, high=200)


def hanoi(discs, source, target, spare):
    if discs == 0:
        return 0
    moved = hanoi(discs - 1, source, spare, target)
    return moved + 1 + hanoi(discs - 1, spare, target, source)


def main(scale):
    total = 0
    for i in range(int(1000 * scale)):
        total += fibonacci(17 + i % 3)
        total += hanoi(13, "a", "b", "c")
        for j in range(10_000):
            total += blend(i, j % 251, weight=3)
    print(total)


main(float(sys.argv[1]))
