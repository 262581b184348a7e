"""Reads its arguments and its standard input: a word counter with options."""

# args: --top 3 --min=4 -v 'two words' ''
import argparse
import collections
import fileinput
import sys

assert __name__ == "__main__" and sys.argv[0].endswith("argv_stdin.py") and __file__.endswith("argv_stdin.py")
print(sys.argv[1:], len(sys.argv))


def parse(arguments):
    parser = argparse.ArgumentParser(prog="count", description="Count words.")
    parser.add_argument("--top", type=int, default=5)
    parser.add_argument("--min", type=positive, default=1, metavar="N")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("extra", nargs="*")
    return parser.parse_args(arguments)


def positive(text):
    value = int(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{value} is not positive")
    return value


def words(lines):
    for number, line in enumerate(lines, 1):
        for word in line.split():
            yield number, word.strip(".,;:!?\"'").lower()


def sections(lines):
    """Paragraphs, divided by empty lines."""
    section = []
    for line in lines:
        if line.strip():
            section.append(line.rstrip("\n"))
        elif section:
            yield section
            section = []
    if section:
        yield section


options = parse(sys.argv[1:])
print(vars(options))
header = input()
second = sys.stdin.readline()
print(repr(header), repr(second))
rest = list(sys.stdin)
counts = collections.Counter(word for _, word in words(rest) if len(word) >= options.min)
for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: options.top]:
    print(f"{word:>10} {'*' * count}")
for number, section in enumerate(sections(rest)):
    print(number, len(section), max(map(len, section)), section[0][:20])
first_seen = {}
for number, word in words(rest):
    first_seen.setdefault(word, number)
if options.verbose:
    print(sorted(first_seen.items(), key=lambda item: (item[1], item[0]))[:6])
try:
    input("prompt> ")
except EOFError as error:
    print("end:", error)
print(repr(sys.stdin.read()), sys.stdin.isatty())
try:
    parse(["--min", "0"])
except SystemExit as error:
    print("exit", error.code)
