"""Search: queens on a board, exact cover by backtracking, words in a trie."""

import sys


def queens(size, row=0, columns=0, rising=0, falling=0):
    if row == size:
        return 1
    found = 0
    free = ~(columns | rising | falling) & (1 << size) - 1
    while free:
        place = free & -free
        free ^= place
        found += queens(size, row + 1, columns | place, (rising | place) << 1, (falling | place) >> 1)
    return found


def fillings(cells, pieces, used, place):
    while place < len(cells) and cells[place]:
        place += 1
    if place == len(cells):
        return 1
    found = 0
    for number, piece in enumerate(pieces):
        if number in used or place + piece > len(cells) or any(cells[place : place + piece]):
            continue
        cells[place : place + piece] = [True] * piece
        used.add(number)
        found += fillings(cells, pieces, used, place + piece)
        used.discard(number)
        cells[place : place + piece] = [False] * piece
    return found


def planted(words):
    trie = {}
    for word in words:
        node = trie
        for letter in word:
            node = node.setdefault(letter, {})
        node["$"] = word
    return trie


def spelt(trie, letters, start):
    node, found = trie, 0
    for letter in letters[start:]:
        node = node.get(letter)
        if node is None:
            return found
        found += "$" in node
    return found


def main(scale):
    total = 0
    trie = planted([a + b + c for a in "abc" for b in "aeiou" for c in "xyzabc"])
    letters = "abcaxbeycizboacua" * 20
    for _ in range(int(1600 * scale)):
        total += queens(8)
        total += fillings([False] * 12, [1, 2, 3, 4, 5, 6, 2], set(), 0)
        for start in range(len(letters)):
            total += spelt(trie, letters, start)
    print(total)


main(float(sys.argv[1]))
