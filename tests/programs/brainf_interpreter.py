"""A brainf*** interpreter: programs that greet, multiply, copy their input and run out of tape."""

import io


class ProgramError(Exception):
    def __init__(self, message, position):
        super().__init__(message)
        self.position = position

    def __str__(self):
        return f"{self.args[0]} at {self.position}"


def match_brackets(source):
    jumps, stack = {}, []
    for position, symbol in enumerate(source):
        if symbol == "[":
            stack.append(position)
        elif symbol == "]":
            if not stack:
                raise ProgramError("unopened ]", position)
            start = stack.pop()
            jumps[start], jumps[position] = position, start
    if stack:
        raise ProgramError("unclosed [", stack[-1])
    return jumps


class Machine:
    def __init__(self, source, data="", tape=30):
        self.source, self.jumps = source, match_brackets(source)
        self.input, self.output = iter(data), io.StringIO()
        self.tape, self.head, self.counter, self.steps = bytearray(tape), 0, 0, 0

    def move(self, distance):
        self.head += distance
        if not 0 <= self.head < len(self.tape):
            raise ProgramError("off the tape", self.counter)

    def change(self, amount):
        self.tape[self.head] = (self.tape[self.head] + amount) % 256

    def step(self):
        match self.source[self.counter]:
            case ">":
                self.move(1)
            case "<":
                self.move(-1)
            case "+":
                self.change(1)
            case "-":
                self.change(-1)
            case ".":
                self.output.write(chr(self.tape[self.head]))
            case ",":
                self.tape[self.head] = ord(next(self.input, "\0"))
            case "[" if not self.tape[self.head]:
                self.counter = self.jumps[self.counter]
            case "]" if self.tape[self.head]:
                self.counter = self.jumps[self.counter]
        self.counter += 1
        self.steps += 1

    def run(self, limit=50_000):
        while self.counter < len(self.source):
            if self.steps >= limit:
                raise ProgramError("too many steps", self.counter)
            self.step()
        return self.output.getvalue()


def attempt(source, data="", **options):
    try:
        machine = Machine(source, data)
        return machine.run(**options), machine.steps
    except ProgramError as error:
        return f"error: {error}", error.position


# 2 * 5 = 10 stars, then copy the input, then upper-case by subtracting 32
print(attempt("++[>+++++<-]>[->>+<<]>++++++[>>+++++++<<-]>>>[-<+>]<<<[.-]"))
print(attempt(",[.,]", "copied"))
print(attempt(",[>++++[-<-------->]<.,]", "shout"))
greeting = "".join("+" * ord(c) + ".[-]" for c in "Hi!\n")
text, steps = attempt(greeting)
assert text == "Hi!\n" and steps == sum(map(ord, text)) * 3 + 2 * len(text), steps
print(repr(text), steps)
for broken in ("+[", "]", "<", "+[]"):
    print(broken, attempt(broken, limit=100))
try:
    match_brackets("[[]")
except ProgramError as error:
    assert error.position == 0 and str(error) == "unclosed [ at 0"
