"""Counts words in a text it makes itself: strings, dictionaries, generators, sorting."""

from collections.abc import Iterator

SYLLABLES = ("ka", "to", "mi", "re", "so", "lu")


def words(count: int) -> Iterator[str]:
    state = 7
    for _ in range(count):
        word = ""
        for _ in range(state % 3 + 1):
            state = (state * 1103515245 + 12345) % 2**31
            word += SYLLABLES[state >> 16 & 0xFFFF and (state >> 16) % len(SYLLABLES)]
        yield word


def counted(stream: Iterator[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in stream:
        try:
            counts[word] += 1
        except KeyError:
            counts[word] = 1
    return counts


if __name__ == "__main__":
    counts = counted(words(2000))
    for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]:
        print(f"{count:4} {word}")
