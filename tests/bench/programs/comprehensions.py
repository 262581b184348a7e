"""List, set and dict comprehensions, nested and filtered."""

import sys


def main(scale):
    total = 0
    names = [f"n{i}" for i in range(200)]
    for i in range(int(6500 * scale)):
        table = [[row * column % 11 for column in range(60)] for row in range(60)]
        flat = [cell for row in table for cell in row if cell & 1]
        turned = [list(column) for column in zip(*table)]
        total += len({cell * i % 101 for cell in flat})
        places = {name: number for number, name in enumerate(names) if number % 3 != i % 3}
        total += sum([places[name] for name in names if name in places])
        total += len([(a, b) for a in range(40) for b in range(a, 40) if (a * b + i) % 7 == 0])
        total += sum(turned[3])
    print(total)


main(float(sys.argv[1]))
