"""Ends with an uncaught exception in nested calls, with a cause, a context and notes: the traceback is python's own."""
# exit: 1
import atexit
import json


class ConfigError(Exception):
    def __init__(self, key, problem):
        super().__init__(key, problem)
        self.key, self.problem = key, problem

    def __str__(self):
        return f"{self.key}: {self.problem}"


class Settings:
    def __init__(self, text):
        self.values = json.loads(text)

    def number(self, key):
        try:
            return int(self.values[key])
        except (KeyError, ValueError) as error:
            raise ConfigError(key, "no number") from error

    def limits(self):
        return [self.number(key) for key in ("low", "high")]

    def __getattr__(self, name):
        return self.number(name)


def recover(settings):
    try:
        return settings.limits()
    except ConfigError as error:
        error.add_note("while reading the limits")
        print("recovering from", error)
        fallback = settings.low + sum(settings.number(key)
                                      for key in ("step", "extra"))
        return fallback


def apply(*steps):
    def run(value):
        for step in steps:
            value = step(value)
        return value

    return run


def recursive(settings, depth):
    if depth:
        return recursive(settings, depth - 1)
    return apply(recover, lambda limits: limits[0]
                 + limits[1])(settings)


atexit.register(print, "at exit, after the traceback")
good = Settings('{"low": "1", "high": "2"}')
assert recursive(good, 3) == 3
assert good.high == 2
print("about to fail")
with open(__file__) as source:
    first_line = source.readline()
assert "uncaught" in first_line
result = {
    "value": recursive(Settings('{"low": "5", "high": "many", "step": 2}'), 6),
}
print("never reached", result)
