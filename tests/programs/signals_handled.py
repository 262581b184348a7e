"""Signal handlers: where they run, which frame they are given, and what becomes of what they raise."""
import contextlib
import os
import signal
import sys

seen = []


def handler(number, frame):
    seen.append((signal.Signals(number).name, frame.f_code.co_name, sys._getframe().f_back is frame))


def raises(number, frame):
    raise InterruptedError(f"in {frame.f_code.co_name}")


previous = signal.signal(signal.SIGUSR1, handler)
print(previous, signal.getsignal(signal.SIGUSR1) is handler)


def plain(n):
    total = 0
    for i in range(n):
        total += i
        if i == 2:
            signal.raise_signal(signal.SIGUSR1)
    return total


def generator():
    yield 1
    os.kill(os.getpid(), signal.SIGUSR1)
    yield 2


class Manager:
    def __enter__(self):
        signal.raise_signal(signal.SIGUSR1)
        return self

    def __exit__(self, *of):
        signal.raise_signal(signal.SIGUSR1)


print(plain(5), list(generator()), sorted([3, 1], key=lambda n: signal.raise_signal(signal.SIGUSR1) or n))
with Manager():
    pass
print(seen)

signal.signal(signal.SIGUSR1, raises)
for f in (lambda: plain(4), lambda: list(generator()), lambda: [signal.raise_signal(signal.SIGUSR1) for _ in "a"]):
    try:
        f()
    except InterruptedError as error:
        traceback, names = error.__traceback__, []
        while traceback:
            names.append((traceback.tb_frame.f_code.co_name, traceback.tb_lineno))
            traceback = traceback.tb_next
        print(error.args[0].replace("<listcomp>", "<lambda>"), [name for name, _ in names if name != "<listcomp>"])


def cleans_up():
    try:
        signal.raise_signal(signal.SIGINT)
        print("not reached")
    except KeyboardInterrupt as interrupt:
        print("interrupted", repr(interrupt), sys.exception() is interrupt)
        with contextlib.suppress(InterruptedError):
            signal.raise_signal(signal.SIGUSR1)
        print("still", sys.exception() is interrupt)
        raise
    finally:
        print("cleaned up")


signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    cleans_up()
except KeyboardInterrupt as interrupt:
    print("caught", interrupt.__traceback__.tb_next.tb_frame.f_code.co_name)
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
print(plain(4), signal.signal(signal.SIGUSR1, previous))
signal.signal(signal.SIGUSR1, lambda *of: seen.append("blocked"))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
signal.raise_signal(signal.SIGUSR1)
print(seen[-1], signal.sigpending())
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
print(seen[-1])
