"""Huffman codes, a trie, run lengths, LZW and Caesar: encoders whose decoders give the text back."""

import heapq
from collections import Counter, defaultdict
from itertools import count, groupby

TEXT = "the theory of the thing is that these things thin the theorem"


class Node:
    def __init__(self, weight, symbol=None, left=None, right=None):
        self.weight, self.symbol, self.left, self.right = weight, symbol, left, right

    def __lt__(self, other):
        return self.weight < other.weight

    def codes(self, prefix=""):
        if self.symbol is not None:
            yield self.symbol, prefix or "0"
        else:
            yield from self.left.codes(prefix + "0")
            yield from self.right.codes(prefix + "1")


def huffman(text):
    order = count()
    heap = [(n, next(order), Node(n, s)) for s, n in sorted(Counter(text).items())]
    heapq.heapify(heap)
    while len(heap) > 1:
        (a, _, left), (b, _, right) = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, (a + b, next(order), Node(a + b, None, left, right)))
    return heap[0][2]


def decode(bits, tree):
    node = tree
    for bit in bits:
        node = node.left if bit == "0" else node.right
        if node.symbol is not None:
            yield node.symbol
            node = tree


class Trie:
    def __init__(self):
        self.children, self.ends = defaultdict(Trie), 0

    def insert(self, word):
        node = self
        for letter in word:
            node = node.children[letter]
        node.ends += 1
        return self

    def __contains__(self, word):
        node = self.find(word)
        return node is not None and node.ends > 0

    def find(self, prefix):
        node = self
        for letter in prefix:
            if letter not in node.children:
                return None
            node = node.children[letter]
        return node

    def __iter__(self, prefix=""):
        if self.ends:
            yield prefix, self.ends
        for letter in sorted(self.children):
            yield from self.children[letter].__iter__(prefix + letter)

    def complete(self, prefix):
        node = self.find(prefix)
        return [prefix + rest for rest, _ in node] if node else []


def run_lengths(text):
    return [(symbol, len(list(group))) for symbol, group in groupby(text)]


def lzw(text):
    table = {chr(i): i for i in range(128)}
    current = ""
    for symbol in text:
        if current + symbol in table:
            current += symbol
        else:
            yield table[current]
            table[current + symbol] = len(table)
            current = symbol
    if current:
        yield table[current]


def unlzw(codes):
    table = [chr(i) for i in range(128)]
    codes = iter(codes)
    previous = table[next(codes)]
    parts = [previous]
    for code in codes:
        if code < len(table):
            entry = table[code]
        elif code == len(table):
            entry = previous + previous[0]
        else:
            raise ValueError(f"bad code {code}")
        parts.append(entry)
        table.append(previous + entry[0])
        previous = entry
    return "".join(parts)


def caesar(text, shift):
    def turn(c):
        base = ord("a") if c.islower() else ord("A")
        return chr((ord(c) - base + shift) % 26 + base) if c.isalpha() else c

    return "".join(map(turn, text))


def edit_distance(a, b):
    previous = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        current = [i]
        for j, y in enumerate(b, 1):
            current.append(min(previous[j] + 1, current[-1] + 1, previous[j - 1] + (x != y)))
        previous = current
    return previous[-1]


def longest_common(a, b):
    table = {}

    def solve(i, j):
        if i == len(a) or j == len(b):
            return ""
        if (i, j) not in table:
            table[i, j] = (
                a[i] + solve(i + 1, j + 1) if a[i] == b[j] else max(solve(i + 1, j), solve(i, j + 1), key=len)
            )
        return table[i, j]

    return solve(0, 0), len(table)


tree = huffman(TEXT)
codes = dict(tree.codes())
bits = "".join(codes[s] for s in TEXT)
print(sorted(codes.items(), key=lambda c: (len(c[1]), c)), len(bits), len(TEXT) * 8)
assert "".join(decode(bits, tree)) == TEXT
assert not any(b.startswith(a) for a in codes.values() for b in codes.values() if a != b)
trie = Trie()
for word in TEXT.split():
    trie.insert(word)
print(list(trie), trie.complete("thi"), "theory" in trie, "theor" in trie, "x" in trie, trie.complete("zz"))
print(run_lengths("aaabccdddd"), "".join(s * n for s, n in run_lengths(TEXT)) == TEXT)
packed = list(lzw(TEXT))
print(len(packed), packed[-5:], unlzw(packed) == TEXT, unlzw(lzw("aaaaaaa")))
try:
    unlzw([97, 500])
except ValueError as error:
    print(error)
print(
    caesar("Hello, World", 3),
    caesar(caesar(TEXT, 7), -7) == TEXT,
    sum(caesar(TEXT, s) == TEXT for s in range(27)),
)
print(
    [
        edit_distance(a, b)
        for a, b in (("kitten", "sitting"), ("", "abc"), ("flaw", "lawn"), ("same", "same"))
    ],
    longest_common("nematode", "empty"),
)
