"""A KeyboardInterrupt that nobody catches: atexit functions run, the traceback is printed, the signal ends the process."""
# exit: -2
import atexit
import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
atexit.register(print, "at exit")


def waits(depth):
    try:
        if depth:
            waits(depth - 1)
        else:
            signal.raise_signal(signal.SIGINT)
    finally:
        print("leaving", depth, flush=True)


waits(5)
