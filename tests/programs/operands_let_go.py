"""Values that live on the evaluation stack alone: each is finalised by the instruction that consumes it."""


class Item:
    kind = "item"

    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("   ", self.name, "is gone")

    def __call__(self, *rest):
        print("    called")

    def __getitem__(self, index):
        return index

    def __contains__(self, other):
        return False

    def __iter__(self):
        return iter((1, 2))

    def __neg__(self):
        return 3

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        print("    exit")

    def method(self):
        return self.kind


def then():
    print("    then")
    return 1


def take(*given, **named):
    print("    taken")


def a_list(name):
    return [Item(name)]


def a_dict(name):
    return {"key": Item(name)}


def unpacked_arguments():
    print("unpacked")
    take(**a_dict("1")), then()
    take(*a_list("2")), then()
    take(**{"key": Item("3")}), then()
    take(*[Item("4")]), then()
    take(*(Item(n) for n in "5")), then()
    take(*a_list("6"), **a_dict("7")), then()
    take(Item("8"), *a_list("9"), other=Item("10"), **a_dict("11")), then()
    print([take(**a_dict("12")), then()])
    kept = take(**a_dict("13"))
    assert kept is None


def chosen(yes=True, no=None):
    """What two blocks put on the stack, for a third to use."""
    print("chosen")
    (Item("1") if yes else no)(), then()
    take(Item("2") if yes else no), then()
    take(no or Item("3"), key=yes and Item("4")), then()
    (Item("5") if yes else no).method(), then()
    (Item("6") if yes else no).kind, then()
    (Item("7") if yes else no)[then()], then()
    1 in (Item("8") if yes else no), then()
    -(Item("9") if yes else no), then()
    not (Item("10") if yes else no), then()
    (Item("11") if yes else no) is None, then()
    f"{(Item('12') if yes else no).kind}", then()
    [*(Item("13") if yes else no)], then()
    (*[Item("14")],)[0].method(), then()
    {**{"key": Item("15")}}["key"].method(), then()
    [Item(n) for n in ("16", "17")][0].method(), then()
    kind = (Item("18") if yes else no).kind if (Item("19") if yes else no).kind else None
    (Item("20") if yes else no).attribute = then()
    one, two = Item("21") if yes else no
    if (Item("22") if yes else no).kind == kind:
        then()
    while (Item("23") if yes else no).method() > kind:
        then()
    for _ in Item("24") if yes else no:
        then()
    with Item("25") if yes else no:
        then()
    return take(Item("26") if yes else no)


def lost(yes=True):
    """What an exception takes off the stack."""
    print("lost")
    try:
        take(Item("1") if yes else None, *a_list("2"), 1 // 0)
    except ZeroDivisionError:
        then()
    try:
        (Item("3") if yes else None).missing, then()
    except AttributeError as error:
        assert error.name == "missing"
    then()


def numbers(name):
    """What it delegates to is closed with it, where nobody asks for more."""
    try:
        yield 1
        yield 2
    finally:
        print("   ", name, "is closed")


def unfinished():
    print("unfinished")
    found = any(n for n in numbers("1")), then()
    assert not all(n > 1 for n in numbers("2")), then()
    for n in numbers("3"):
        break
    then()
    for n in (n for n in numbers("4")):
        for m in numbers("5"):
            if n == m:
                return found, next(n for n in numbers("6")), any(n > 1 for n in numbers("7"))


def fails(*rest, **named):
    raise KeyError("on purpose")


def left(yes):
    """The frame is left by an exception: what is on its stack goes from above."""
    for one in [Item("a"), Item("b")]:
        one = None
        for two in [Item("c"), Item("d")]:
            two = None
            then(), Item("e") if yes else 0, [Item("f"), Item("g") if yes else 0], fails() if yes else 0


def handled(yes):
    print("handled")
    for one in [Item("a"), Item("b")]:
        one = None
        try:
            fails(Item("c"), Item("d"), {"k": [Item("e"), Item("f") if yes else 0]}, fails() if yes else 0)
        except KeyError:
            return then()


def left_or_handled():
    print("left")
    try:
        left(True)
    except KeyError:
        then()
    handled(True)


unpacked_arguments()
chosen()
left_or_handled()
unfinished()
lost()
