"""A small Lisp: tokenizer, reader, evaluator with tail calls, closures, macros and error reports."""

import math
import operator as op
import re
from functools import reduce

TOKEN = re.compile(r"""\s*(;[^\n]*|[()']|"(?:\\.|[^"\\])*"|[^\s()'";]+)""")


class LispError(Exception):
    pass


class Symbol(str):
    __slots__ = ()


class Environment(dict):
    def __init__(self, names=(), values=(), outer=None):
        super().__init__(zip(names, values))
        self.outer = outer

    def find(self, name):
        scope = self
        while scope is not None:
            if name in scope:
                return scope
            scope = scope.outer
        raise LispError(f"unbound: {name}")


class Lambda:
    def __init__(self, parameters, body, environment):
        self.parameters, self.body, self.environment = parameters, body, environment

    def bind(self, arguments):
        if "." in self.parameters:
            at = self.parameters.index(".")
            names = self.parameters[:at] + self.parameters[at + 1 :]
            arguments = [*arguments[:at], list(arguments[at:])]
        else:
            names = self.parameters
        if len(names) != len(arguments):
            raise LispError(f"expected {len(names)} arguments, got {len(arguments)}")
        return Environment(names, arguments, self.environment)

    def __call__(self, *arguments):
        return evaluate(self.body, self.bind(arguments))


def read_all(text):
    tokens = [t for t in TOKEN.findall(text) if not t.startswith(";")]
    while tokens:
        yield read(tokens)


def read(tokens):
    if not tokens:
        raise LispError("unexpected end")
    match tokens.pop(0):
        case "(":
            items = []
            while tokens and tokens[0] != ")":
                items.append(read(tokens))
            if not tokens:
                raise LispError("missing )")
            tokens.pop(0)
            return items
        case ")":
            raise LispError("unexpected )")
        case "'":
            return [Symbol("quote"), read(tokens)]
        case "#t" | "#f" as truth:
            return truth == "#t"
        case str(text) if text.startswith('"'):
            return text[1:-1].encode().decode("unicode_escape")
        case atom:
            for kind in (int, float, Symbol):
                try:
                    return kind(atom)
                except ValueError:
                    pass


def evaluate(x, env):
    while True:
        match x:
            case Symbol():
                return env.find(x)[x]
            case [] | str() | bool() | int() | float():
                return x
            case ["quote", value]:
                return value
            case ["if", test, yes, *rest]:
                x = yes if evaluate(test, env) is not False else (rest[0] if rest else [])
            case ["define", [name, *parameters], *body]:
                env[name] = Lambda(parameters, [Symbol("begin"), *body], env)
                return name
            case ["define", Symbol() as name, value]:
                env[name] = evaluate(value, env)
                return name
            case ["set!", name, value]:
                env.find(name)[name] = evaluate(value, env)
                return []
            case ["lambda", parameters, *body]:
                return Lambda(parameters, [Symbol("begin"), *body], env)
            case ["let", pairs, *body]:
                env = Environment([n for n, _ in pairs], [evaluate(v, env) for _, v in pairs], env)
                x = [Symbol("begin"), *body]
            case ["begin", *first, last]:
                for item in first:
                    evaluate(item, env)
                x = last
            case ["and", *items]:
                return all(evaluate(i, env) is not False for i in items)
            case [head, *arguments]:
                function = evaluate(head, env)
                values = [evaluate(a, env) for a in arguments]
                if isinstance(function, Lambda):
                    x, env = function.body, function.bind(values)
                elif callable(function):
                    return function(*values)
                else:
                    raise LispError(f"not a function: {show(function)}")


def show(value):
    match value:
        case True:
            return "#t"
        case False:
            return "#f"
        case list():
            return "(" + " ".join(map(show, value)) + ")"
        case Lambda(parameters=p):
            return f"<lambda {' '.join(p)}>"
        case Symbol():
            return value
        case str():
            return '"' + value + '"'
    return str(value)


def standard():
    env = Environment(outer=None)
    env.update(
        {
            "+": lambda *a: sum(a),
            "*": lambda *a: reduce(op.mul, a, 1),
            "-": op.sub,
            "/": op.truediv,
            "<": op.lt,
            ">": op.gt,
            "=": op.eq,
            "list": lambda *a: [*a],
            "car": lambda a: a[0],
            "cdr": lambda a: a[1:],
            "cons": lambda a, b: [a, *b],
            "null?": lambda a: a == [],
            "map": lambda f, *ls: [f(*t) for t in zip(*ls)],
            "sqrt": math.sqrt,
            "modulo": op.mod,
        }
    )
    return env


PROGRAM = """
(define (fact n) (if (< n 2) 1 (* n (fact (- n 1))))) (fact 12)
(define (count n total) (if (= n 0) total (count (- n 1) (+ total n)))) (count 300 0) ; a tail call
(map (lambda (x y) (* x y)) '(1 2 3) '(4 5 6))
(define (counter) (let ((n 0)) (lambda () (begin (set! n (+ n 1)) n))))
(define c (counter)) (c) (c) (c)
(define (filter f l) (if (null? l) '() (if (f (car l)) (cons (car l) (filter f (cdr l))) (filter f (cdr l)))))
(filter (lambda (x) (= 0 (modulo x 3))) '(1 2 3 4 5 6 7 8 9))
((lambda (first . rest) (list first rest)) 1 2 3)
(and #t (< 1 2)) (if (> 1 2) "yes" "no") (quote (a "b" 1.5 #f))
(define (compose f g) (lambda (x) (f (g x)))) ((compose sqrt fact) 4) compose
"""
env = standard()
for form in read_all(PROGRAM):
    print(show(form), "=>", show(evaluate(form, env)))
for wrong in ("(", ")", "(missing 1)", "(1 2)", "((lambda (x) x))", "(car '())", '(+ 1 "a")'):
    try:
        for form in read_all(wrong):
            evaluate(form, env)
    except (LispError, IndexError, TypeError) as error:
        print(wrong, "=>", type(error).__name__, error)
