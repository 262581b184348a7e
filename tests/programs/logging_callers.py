"""Who logged and warned: the caller that `logging` finds, with stack levels, stacks and tracebacks."""
import logging
import sys
import traceback
import warnings


class Lines(logging.Handler):
    def emit(self, record):
        where = record.filename, record.funcName, record.lineno
        print(record.levelname, record.getMessage(), *where)
        if record.stack_info:
            print([line.split(", ", 1)[1] for line in record.stack_info.splitlines() if line.startswith("  File")])
        if record.exc_info:
            print(logging.Formatter().formatException(record.exc_info).replace(__file__, "HERE"))


log = logging.getLogger("program")
log.addHandler(Lines())
log.setLevel(logging.DEBUG)
log.propagate = False


def helper(message, level=1):
    log.info(message, stacklevel=level)


def calls(level):
    helper(f"level {level}", level)


for level in (1, 2, 3, 4, 9):
    calls(level)
log.debug("from %s", "the module")
(lambda: log.warning("in a lambda"))()
print(*[log.error("in a list") or n for n in range(1)])


class Worker:
    log.info("in a class body")

    def run(self):
        log.info("in a method", stack_info=True)
        try:
            self.fails(0)
        except ZeroDivisionError:
            log.exception("it failed")
            log.error("and again", exc_info=sys.exception())

    def fails(self, n):
        return (
            1 /
            n
        )

    def __del__(self):
        log.info("in a destructor")


Worker().run()
logging.captureWarnings(True)
logging.getLogger("py.warnings").addHandler(Lines())
logging.getLogger("py.warnings").propagate = False
warnings.simplefilter("always")


def old():
    warnings.warn("it is old", DeprecationWarning, stacklevel=2)


def generator():
    yield log.info("in a generator")
    yield traceback.extract_stack()[-1].name, [f.name for f in traceback.extract_stack()]


warned = logging.getLogger("py.warnings").handlers[0]
warned.emit = lambda record: print(record.getMessage().rpartition("/")[2].splitlines())
old()
print(list(generator()))
print(log.findCaller()[1:3], sorted({"b": 1, "a": 2}, key=lambda k: log.info(k) or k))
