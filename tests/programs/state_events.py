"""A publish/subscribe bus, a declarative state machine built by decorators and a metaclass, undo history, observers by weakref."""

import enum
import functools
import inspect
import weakref
from collections import deque


class Signal:
    def __init__(self, name):
        self.name, self.listeners = name, []

    def connect(self, listener):
        reference = weakref.WeakMethod(listener) if inspect.ismethod(listener) else (lambda: listener)
        self.listeners.append(reference)
        return listener

    def send(self, *args, **kwargs):
        results = []
        for reference in self.listeners[:]:
            if (listener := reference()) is None:
                self.listeners.remove(reference)
            else:
                try:
                    results.append(listener(*args, **kwargs))
                except Exception as error:
                    results.append(error)
        return results


def transition(source, target, *, when=None):
    def decorate(method):
        method.transitions = getattr(method, "transitions", []) + [(source, target, when)]
        return method

    return decorate


class MachineMeta(type):
    def __new__(meta, name, bases, namespace):
        table = {}
        for base in bases:
            table.update(getattr(base, "table", {}))
        for key, value in list(namespace.items()):
            if hasattr(value, "transitions"):
                for source, target, when in value.transitions:
                    for one in source if isinstance(source, (tuple, list)) else [source]:
                        table.setdefault((one, key), []).append((target, when))
                namespace[key] = meta.wrap(value)
        cls = super().__new__(meta, name, bases, {**namespace, "table": table})
        return cls

    @staticmethod
    def wrap(method):
        @functools.wraps(method)
        def fire(self, *args, **kwargs):
            for target, when in self.table.get((self.state, method.__name__), ()):
                if when is None or when(self, *args, **kwargs):
                    break
            else:
                raise InvalidTransition(self.state, method.__name__)
            result = method(self, *args, **kwargs)
            before, self.state = self.state, target
            self.history.append((before, method.__name__, target))
            self.changed.send(self, before, target)
            return result

        return fire


class InvalidTransition(Exception):
    def __str__(self):
        return f"no {self.args[1]} from {self.args[0].name}"


class State(enum.Enum):
    IDLE, RUNNING, PAUSED, DONE = range(4)


class Job(metaclass=MachineMeta):
    def __init__(self, steps):
        self.steps, self.state, self.history, self.changed = deque(steps), State.IDLE, [], Signal("changed")
        self.output = []

    @transition((State.IDLE, State.PAUSED), State.RUNNING)
    def start(self):
        self.output.append("started")

    @transition(State.RUNNING, State.DONE, when=lambda self: len(self.steps) == 1)
    @transition(State.RUNNING, State.RUNNING, when=lambda self: self.steps)
    def step(self):
        self.output.append(self.steps.popleft())
        return len(self.steps)

    @transition(State.RUNNING, State.PAUSED)
    def pause(self):
        return self


class Retry(Job):
    @transition(State.DONE, State.IDLE)
    def reset(self, *steps):
        self.steps.extend(steps)


class Observer:
    seen = []

    def __init__(self, name):
        self.name = name

    def notice(self, job, before, after):
        self.seen.append(f"{self.name}: {before.name}->{after.name}")
        if after is State.PAUSED:
            raise RuntimeError(f"{self.name} dislikes pauses")


class Editor:
    """Commands with undo and redo, as pairs of closures."""

    def __init__(self):
        self.text, self.done, self.undone = "", [], []

    def command(make):
        @functools.wraps(make)
        def run(self, *args):
            do, undo = make(self, *args)
            do()
            self.done.append((do, undo, make.__name__))
            self.undone.clear()
            return self

        return run

    @command
    def insert(self, at, text):
        def do():
            self.text = self.text[:at] + text + self.text[at:]

        def undo():
            self.text = self.text[:at] + self.text[at + len(text) :]

        return do, undo

    @command
    def replace(self, old, new):
        before = None

        def do():
            nonlocal before
            before, self.text = self.text, self.text.replace(old, new)

        def undo():
            self.text = before

        return do, undo

    del command

    def undo(self, times=1):
        for _ in range(times):
            do, undo, name = self.done.pop()
            undo()
            self.undone.append((do, undo, name))
        return self

    def redo(self):
        entry = self.undone.pop()
        entry[0]()
        self.done.append(entry)
        return self


job = Job(["a", "b", "c"])
first, second = Observer("first"), Observer("second")
job.changed.connect(first.notice)
job.changed.connect(second.notice)
job.changed.connect(lambda job, before, after: Observer.seen.append(f"lambda: {len(job.history)}"))
job.start()
job.step()
del second
job.pause()
job.start()
for _ in range(3):
    try:
        print("left", job.step())
    except InvalidTransition as error:
        print("invalid:", error)
print(job.state, job.output, [h[1] for h in job.history])
print(*Observer.seen, len(job.changed.listeners), sep="\n")
retry = Retry("x")
for action in (retry.start, retry.step, lambda: retry.reset("y", "z"), retry.pause, retry.start, retry.step):
    try:
        action()
    except InvalidTransition as error:
        print(error)
print(
    retry.state.name,
    retry.output,
    sorted(k[1] for k in Retry.table if k not in Job.table),
    Retry.step.__name__,
)
print(job.changed.send(job, State.IDLE, State.PAUSED))
editor = Editor().insert(0, "hello").insert(5, " world").replace("o", "0")
print(
    editor.text,
    editor.undo().text,
    editor.undo(2).text or "empty",
    editor.redo().redo().text,
    len(editor.undone),
    [d[2] for d in editor.done],
)
editor.insert(0, "> ")
try:
    editor.redo()
except IndexError as error:
    print(error, editor.text, hasattr(Editor, "command"))
