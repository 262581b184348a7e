"""Nested loops over numbers and lists."""

import sys


def sieve(limit):
    composite = [False] * limit
    count = 0
    for number in range(2, limit):
        if composite[number]:
            continue
        count += 1
        multiple = number * number
        while multiple < limit:
            composite[multiple] = True
            multiple += number
    return count


def product(left, right):
    size = len(left)
    result = [[0] * size for _ in range(size)]
    for i in range(size):
        row = result[i]
        for k in range(size):
            factor = left[i][k]
            other = right[k]
            for j in range(size):
                row[j] += factor * other[j]
    return result


def escape(x, y, limit):
    a = b = 0.0
    for step in range(limit):
        a, b = a * a - b * b + x, 2.0 * a * b + y
        if a * a + b * b > 4.0:
            return step
    return limit


def main(scale):
    total = 0
    for i in range(int(80 * scale)):
        total += sieve(150_000)
        matrix = [[(row * column + i) % 7 for column in range(60)] for row in range(60)]
        total += sum(map(sum, product(matrix, matrix)))
        for row in range(30):
            for column in range(60):
                total += escape(column / 30 - 1.5, row / 15 - 1.0, 100)
    print(total)


main(float(sys.argv[1]))
