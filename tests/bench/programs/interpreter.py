"""A small stack machine that runs a program of its own: a dispatch loop, as interpreters have."""

import sys


def collatz(limit):
    """For n from 1 to the limit, adds up the steps that n takes to 1."""
    return [
        ("push", 0), ("store", "sum"), ("push", 1), ("store", "n"),
        ("load", "n"), ("push", limit), ("less", None), ("jump_if_not", 36),
        ("load", "n"), ("store", "x"),
        ("load", "x"), ("push", 1), ("equal", None), ("jump_if", 31),
        ("load", "x"), ("push", 2), ("mod", None), ("jump_if", 23),
        ("load", "x"), ("push", 2), ("div", None), ("store", "x"), ("jump", 26),
        ("load", "x"), ("triple", None), ("store", "x"),
        ("load", "sum"), ("push", 1), ("add", None), ("store", "sum"), ("jump", 10),
        ("load", "n"), ("push", 1), ("add", None), ("store", "n"), ("jump", 4),
        ("load", "sum"), ("halt", None),
    ]  # fmt: skip


def run(program):
    stack, variables, place = [], {}, 0
    while True:
        name, operand = program[place]
        place += 1
        if name == "push":
            stack.append(operand)
        elif name == "load":
            stack.append(variables[operand])
        elif name == "store":
            variables[operand] = stack.pop()
        elif name == "jump":
            place = operand
        elif name == "jump_if":
            if stack.pop():
                place = operand
        elif name == "jump_if_not":
            if not stack.pop():
                place = operand
        elif name == "triple":
            stack.append(3 * stack.pop() + 1)
        elif name == "halt":
            return stack.pop()
        else:
            right = stack.pop()
            left = stack.pop()
            match name:
                case "add":
                    stack.append(left + right)
                case "mod":
                    stack.append(left % right)
                case "div":
                    stack.append(left // right)
                case "less":
                    stack.append(left < right)
                case "equal":
                    stack.append(left == right)


def main(scale):
    print(sum(run(collatz(300 + i % 5)) for i in range(int(115 * scale))))


main(float(sys.argv[1]))
