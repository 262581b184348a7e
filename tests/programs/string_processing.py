"""Text: wrapping, justifying, templating, CSV, Markdown, roman numerals, tokenising with re, encoding, parsing logs."""

import re
import textwrap
import unicodedata
from collections import Counter
from io import StringIO

ROMAN = [
    (1000, "M"),
    (900, "CM"),
    (500, "D"),
    (400, "CD"),
    (100, "C"),
    (90, "XC"),
    (50, "L"),
    (40, "XL"),
    (10, "X"),
    (9, "IX"),
    (5, "V"),
    (4, "IV"),
    (1, "I"),
]
TEXT = """In a village of La Mancha, the name of which I have no desire to call to mind, there lived not long since
one of those gentlemen that keep a lance in the lance-rack, an old buckler, a lean hack, and a greyhound for coursing."""


def to_roman(number):
    if not 0 < number < 4000:
        raise ValueError(f"{number} out of range")
    result = ""
    for value, letters in ROMAN:
        while number >= value:
            result, number = result + letters, number - value
    return result


def from_roman(text):
    values = dict((letters, value) for value, letters in ROMAN if len(letters) == 1)
    total = 0
    for letter, following in zip(text, text[1:] + " "):
        value = values[letter]
        total += -value if value < values.get(following, 0) else value
    if to_roman(total) != text:
        raise ValueError(f"{text} should be {to_roman(total)}")
    return total


def justify(text, width):
    line, length = [], 0
    for word in text.split():
        if line and length + len(line) + len(word) > width:
            yield spread(line, width - length)
            line, length = [], 0
        line.append(word)
        length += len(word)
    yield " ".join(line)


def spread(words, spaces):
    if len(words) == 1:
        return words[0] + " " * spaces
    each, more = divmod(spaces, len(words) - 1)
    return "".join(
        word + " " * (0 if i == len(words) - 1 else each + (i < more)) for i, word in enumerate(words)
    )


def parse_csv(text):
    """Fields, rows, quotes doubled inside quotes, line ends inside quotes: a machine of four states."""
    rows, row, field, state = [], [], [], "start"
    for symbol in text:
        if state == "quoted":
            if symbol == '"':
                state = "quote"
            else:
                field.append(symbol)
        elif symbol == '"' and state in ("start", "quote"):
            if state == "quote":
                field.append('"')
            state = "quoted"
        elif symbol in ",\n":
            row.append("".join(field))
            field, state = [], "start"
            if symbol == "\n":
                rows.append(row)
                row = []
        else:
            field.append(symbol)
            state = "plain"
    if state == "quoted":
        raise ValueError("quote left open")
    if field or row:
        rows.append([*row, "".join(field)])
    return rows


def template(source, **values):
    """{{name}}, {{#each items}}…{{/each}}, {{#if flag}}…{{else}}…{{/if}}, by one recursive regular expression walk."""
    tokens = re.split(r"\{\{(.*?)\}\}", source)
    tokens = [(i % 2, t.strip() if i % 2 else t) for i, t in enumerate(tokens)]

    def block(position, scope, out, active):
        while position < len(tokens):
            tag, text = tokens[position]
            position += 1
            if not tag:
                if active:
                    out.write(text)
            elif text.startswith("#each "):
                items = scope.get(text[6:], []) if active else []
                end = position
                for item in items:
                    end = block(position, {**scope, "this": item}, out, True)
                position = end if items else block(position, scope, out, False)
            elif text.startswith("#if "):
                chosen = bool(scope.get(text[4:]))
                position = block(position, scope, out, active and chosen)
                if tokens[position - 1][1] == "else":
                    position = block(position, scope, out, active and not chosen)
            elif text in ("/each", "/if", "else"):
                return position
            elif active:
                out.write(str(scope.get(text, f"<no {text}>")))
        return position

    out = StringIO()
    block(0, values, out, True)
    return out.getvalue()


MARKS = [
    (r"^# (.+)$", r"<h1>\1</h1>"),
    (r"^- (.+)$", r"<li>\1</li>"),
    (r"\*\*(.+?)\*\*", r"<b>\1</b>"),
    (r"`(.+?)`", lambda m: f"<code>{m[1].upper()}</code>"),
    (r"\[(?P<text>.+?)\]\((?P<to>.+?)\)", r'<a href="\g<to>">\g<text></a>'),
]


def markdown(text):
    for pattern, replacement in MARKS:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


def similar(words):
    groups = {}
    for word in words:
        groups.setdefault("".join(sorted(word.lower())), []).append(word)
    return sorted(g for g in groups.values() if len(g) > 1)


def palindromes(text):
    letters = [c.lower() for c in text if c.isalpha()]
    best = ""
    for centre in range(len(letters)):
        for low, high in ((centre, centre), (centre, centre + 1)):
            while low >= 0 and high < len(letters) and letters[low] == letters[high]:
                low, high = low - 1, high + 1
            if high - low - 1 > len(best):
                best = "".join(letters[low + 1 : high])
    return best


assert all(from_roman(to_roman(n)) == n for n in range(1, 200, 7))
for wrong in ("IIX", "Q", "", "VV"):
    try:
        print(wrong, from_roman(wrong))
    except (ValueError, KeyError) as error:
        print(wrong, type(error).__name__, error)
print(to_roman(1994), from_roman("MCMXCIV"))
print("\n".join(f"|{line}|" for line in justify(TEXT, 34)))
assert all(len(line) == 34 for line in list(justify(TEXT, 34))[:-1])
print(parse_csv('a,"b,c","d ""e"""\n1,,"two\nlines"\nlast'), sep="")
try:
    parse_csv('"open')
except ValueError as error:
    print(error)
print(
    template(
        "Dear {{name}},{{#each items}} <{{this}}{{#if loud}}!{{else}}.{{/if}}>{{/each}} {{missing}}{{#each none}}never{{/each}}",
        name="Ann",
        items=["x", "y"],
        loud=True,
    )
)
print(markdown("# Title\n- **bold** and `code`\n- [link](http://x.y)"))
print(
    similar("listen silent enlist google elbow below".split()),
    palindromes("A man, a plan, a canal: Panama!"),
    palindromes("forgeeksskeegfor"),
)
print(
    Counter(len(w.strip(",.")) for w in TEXT.split()).most_common(3),
    textwrap.shorten(TEXT, 40),
    [unicodedata.normalize("NFD", c).encode("ascii", "ignore").decode() for c in "éüñ"],
)
print(
    "ß".upper(),
    "İ".lower() == "i̇",
    "ǆ".title(),
    "a\tb".expandtabs(4),
    "x=1;y=2".partition(";"),
    "abc".translate({97: "A", 98: None}),
    "%08.3f" % 3.14159,
    "é".encode("latin-1").hex(),
)
for line in re.finditer(
    r"(?P<when>\d\d:\d\d) (?P<level>[A-Z]+)(?: \[(?P<tags>[^]]*)\])? (?P<text>.*)",
    "10:01 INFO [a,b] started\n10:02 WARN no tags\nbad line\n10:03 ERROR [] failed",
):
    print(line.groupdict(), line.start(), (line["tags"] or "").split(","))
