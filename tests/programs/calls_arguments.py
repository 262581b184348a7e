"""Calls with every kind of argument, and the errors word for word."""


def everything(a, b=2, /, c=3, *rest, d, e=5, **more):
    return a, b, c, rest, d, e, more


def positional_only(a, b, /):
    return a, b


def keyword_only(*, a, b=None):
    return a, b


def plain(a, b, c=3):
    return a, b, c


def nothing():
    return "nothing"


class Method:
    def method(self, x, *, key=0):
        return x, key

    @classmethod
    def of_class(cls, x):
        return cls.__name__, x

    @staticmethod
    def static(x=1):
        return x

    def __call__(self, *args, **kwargs):
        return args, kwargs

    def __init__(self, *args):
        self.args = args


class Mapping:
    def keys(self):
        return ["b", "a"]

    def __getitem__(self, key):
        return key * 2


def evaluated(trail, value):
    trail.append(value)
    return value


def attempt(text, **names):
    try:
        print(text, "->", eval(text, {**globals(), **names}))
    except Exception as error:
        print(text, "!", type(error).__name__, str(error))


print(
    everything(1, d=4),
    everything(1, 2, 3, 4, 5, d=6, e=7, f=8),
    everything(*[1, 2], **{"d": 3, "c": 4, "x": 5}),
)
print(everything(*"ab", *(), *range(2), d=0, **{}, **{"a": "in more", "b": "too"}))
print(
    plain(1, *[2], **{"c": 4}),
    plain(*[1], b=2),
    plain(c=1, b=2, a=3),
    plain(**Mapping()),
    keyword_only(a=1),
    nothing(*[], **{}),
)
print(
    Method().method(1),
    Method.method(Method(), 1, key=2),
    Method.of_class(3),
    Method().of_class(x=4),
    Method.static(),
    Method.static(5),
)
print(
    Method()(1, *[2], k=3, **{"l": 4}),
    Method(1, 2).args,
    (lambda *a, **k: (a, k))(1, x=2),
    print.__call__("printed", end="\n"),
)
trail = []
print(
    everything(
        evaluated(trail, 1), *evaluated(trail, [2]), d=evaluated(trail, 3), **evaluated(trail, {"z": 4})
    ),
    trail,
)
for text in (
    "plain()",
    "plain(1)",
    "plain(1, 2, 3, 4)",
    "plain(1, 2, a=1)",
    "plain(1, 2, d=1)",
    "plain(1, 2, **{'c': 1, 'z': 2})",
    "plain(b=1)",
    "nothing(1)",
    "nothing(x=1)",
    "keyword_only()",
    "keyword_only(1)",
    "keyword_only(1, a=1)",
    "positional_only(1, b=2)",
    "positional_only(a=1, b=2)",
    "positional_only(1)",
    "everything()",
    "everything(1)",
    "everything(d=1)",
    "plain(*5)",
    "plain(**5)",
    "plain(1, **{2: 3})",
    "plain(*[1], **{'a': 1})",
    "plain(**{'a': 1}, **{'a': 2})",
    "plain(a=1, **{'a': 2})",
    "nothing.missing()",
    "Method.method(1)",
    "Method().method()",
    "Method().method(1, 2)",
    "Method().method(1, k=2)",
    "5()",
    "None(1)",
    "'text'(*[1])",
    "[](x=1)",
    "len()",
    "len(1, 2)",
    "len(1)",
    "int(1, 2, 3)",
    "print(1, wrong=2)",
    "dict(1)",
    "dict([1])",
    "list(1, 2)",
    "sorted()",
    "sorted([1, 'a'])",
    "max()",
    "object(1)",
    "type(1, 2)",
    "isinstance(1)",
    "Method.static(1, 2)",
    "(lambda x: x)()",
    "(lambda: 0)(1, 2)",
    "plain(*(x for x in [1, 2]))",
    "plain(*{'a': 1, 'b': 2})",
    "everything(*[], d=1)",
    "divmod(1)",
    "'a'.join()",
    "'a'.join([1])",
    "[].append()",
    "[].append(1, 2)",
    "(1).bit_length(1)",
    "abs('x')",
    "zip([1], strict=1, other=2)",
    "''.split(1)",
    "range()",
    "range('a')",
    "Mapping()['ab']",
    "plain(**Mapping(), c=0)",
):
    attempt(text)


def annotated(a: int, b: "str" = "x", *args: tuple, c: list = [], **kw: dict) -> None:
    a.missing


print(
    annotated.__defaults__,
    annotated.__kwdefaults__,
    everything.__code__.co_varnames[:7],
    everything.__code__.co_posonlyargcount,
)


def mutable(item, seen=[]):
    seen.append(item)
    return len(seen)


print(mutable(1), mutable(2), mutable(3, []), mutable.__defaults__)
plain.__defaults__ = (20, 30)
print(plain(10))
plain.__defaults__ = None
attempt("plain(10)")
keyword_only.__kwdefaults__ = {"a": 1, "b": 2}
print(keyword_only())


def many(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, *rest):
    return sum(locals().get(f"a{i}", 0) for i in range(10)) + len(rest)


print(many(*range(10)), many(*range(300)))
attempt("many(*range(9))")
attempt("many(1)")
import inspect

signature = inspect.signature(everything)
print(signature, [p.kind.name for p in signature.parameters.values()], signature.bind(1, d=2).arguments)
