"""Generators: pipelines, delegation, values sent in, trees walked."""

import itertools
import sys


def numbers(count):
    for i in range(count):
        yield i


def squares(source):
    for number in source:
        yield number * number


def odd(source):
    for number in source:
        if number & 1:
            yield number


def walk(low, high):
    if low < high:
        middle = (low + high) // 2
        yield from walk(low, middle)
        yield middle
        yield from walk(middle + 1, high)


def averages():
    total = count = 0
    mean = 0.0
    while True:
        value = yield mean
        total += value
        count += 1
        mean = total / count


def main(scale):
    result = 0
    for i in range(int(260 * scale)):
        result += sum(odd(squares(numbers(40_000))))
        result += sum(number ^ i for number in walk(0, 3_000))
        mean = averages()
        next(mean)
        for number in itertools.islice(numbers(100_000), 25_000):
            last = mean.send(number)
        result += int(last)
        result += sum(a * b for a, b in zip(numbers(20_000), squares(numbers(20_000))))
    print(result)


main(float(sys.argv[1]))
