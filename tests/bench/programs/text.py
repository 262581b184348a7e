"""Strings and dictionaries: words split, counted, indexed, looked up, formatted."""

import sys

WORDS = "the quick brown fox jumps over the lazy dog while seven wizards quietly box under pale northern lights".split()


def lines(count):
    number = 7
    for i in range(count):
        number = (number * 1103515245 + 12345) % 2147483648
        words = [WORDS[(number >> shift) % len(WORDS)] for shift in range(0, 24, 2)]
        yield f"{i:05d}: {' '.join(words)}."


def normal(word):
    word = word.strip(".,:;").lower()
    if word.endswith("ly"):
        word = word[:-2]
    elif word.endswith("s") and len(word) > 3:
        word = word[:-1]
    return word


def rotated(word, by):
    letters = []
    for letter in word:
        if "a" <= letter <= "z":
            letter = chr((ord(letter) - 97 + by) % 26 + 97)
        letters.append(letter)
    return "".join(letters)


def main(scale):
    counts, index, pairs = {}, {}, {}
    for line in lines(int(190_000 * scale)):
        head, _, rest = line.partition(": ")
        before = None
        for word in rest.split():
            word = normal(word)
            counts[word] = counts.get(word, 0) + 1
            index.setdefault(word[0], set()).add(int(head) % 1000)
            if before is not None:
                pairs[before, word] = pairs.get((before, word), 0) + 1
            before = word
        if int(head) % 4 == 0:
            counts[rotated(word, 13)] = counts.get(rotated(word, 13), 0) + 1
    best = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    print(best[:3], len(index), len(pairs), sum(map(len, index.values())))


main(float(sys.argv[1]))
