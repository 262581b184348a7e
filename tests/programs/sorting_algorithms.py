"""Sorting: eight algorithms over the same data, with keys, stability and comparison counts."""

import heapq
import random
from functools import cmp_to_key


class Counted:
    comparisons = 0

    def __init__(self, value, tag=""):
        self.value, self.tag = value, tag

    def __lt__(self, other):
        Counted.comparisons += 1
        return self.value < other.value

    def __repr__(self):
        return f"{self.value}{self.tag}"


def bubble(items):
    for end in range(len(items) - 1, 0, -1):
        swapped = False
        for i in range(end):
            if items[i + 1] < items[i]:
                items[i], items[i + 1] = items[i + 1], items[i]
                swapped = True
        if not swapped:
            break
    return items


def insertion(items):
    for i in range(1, len(items)):
        item, j = items[i], i
        while j and item < items[j - 1]:
            items[j] = items[j - 1]
            j -= 1
        items[j] = item
    return items


def selection(items):
    for i in range(len(items)):
        least = min(range(i, len(items)), key=items.__getitem__)
        items[i], items[least] = items[least], items[i]
    return items


def merge(items):
    if len(items) < 2:
        return items
    middle = len(items) // 2
    left, right, merged = merge(items[:middle]), merge(items[middle:]), []
    i = j = 0
    while i < len(left) and j < len(right):
        if right[j] < left[i]:
            merged.append(right[j])
            j += 1
        else:
            merged.append(left[i])
            i += 1
    return merged + left[i:] + right[j:]


def quick(items):
    match items:
        case [] | [_]:
            return items
        case [pivot, *rest]:
            return quick([x for x in rest if x < pivot]) + [pivot] + quick([x for x in rest if not x < pivot])


def heap(items):
    def sift(root, end):
        while (child := 2 * root + 1) < end:
            if child + 1 < end and items[child] < items[child + 1]:
                child += 1
            if not items[root] < items[child]:
                return
            items[root], items[child] = items[child], items[root]
            root = child

    for root in range(len(items) // 2 - 1, -1, -1):
        sift(root, len(items))
    for end in range(len(items) - 1, 0, -1):
        items[0], items[end] = items[end], items[0]
        sift(0, end)
    return items


def shell(items):
    gap = len(items) // 2
    while gap:
        for i in range(gap, len(items)):
            for j in range(i - gap, -1, -gap):
                if not items[j + gap] < items[j]:
                    break
                items[j], items[j + gap] = items[j + gap], items[j]
        gap //= 2
    return items


def library(items):
    heapq.heapify(items)
    return [heapq.heappop(items) for _ in range(len(items))]


data = random.Random(2024).sample(range(100), 16)
expected = sorted(data)
for algorithm in (bubble, insertion, selection, merge, quick, heap, shell, library):
    assert algorithm(data[:]) == expected, algorithm
    Counted.comparisons = 0
    algorithm([Counted(x) for x in data])
    several = [Counted(x % 3, t) for x, t in zip(data, "abcdefgh")]
    stable = [str(c) for c in algorithm(several[:])] == [
        str(c) for c in sorted(several, key=lambda c: c.value)
    ]
    print(f"{algorithm.__name__:10} {Counted.comparisons:4d} {'stable' if stable else 'unstable'}")
words = "The quick brown fox jumps over the lazy dog".split()
print(sorted(words, key=str.lower), sorted(words, key=lambda w: (-len(w), w)))
print(sorted(words, key=cmp_to_key(lambda a, b: (a[-1] > b[-1]) - (a[-1] < b[-1])), reverse=True))
words.sort(key=len)
print(words, max(words, key=len), min(words, key=lambda w: w[::-1]))
