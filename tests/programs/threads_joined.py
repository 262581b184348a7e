"""Threads, one after the other or in lockstep: results, exceptions, locals, thread-local data, pools, the excepthook."""

import concurrent.futures
import contextvars
import io
import queue
import sys
import threading
import traceback

variable = contextvars.ContextVar("variable", default="unset")
local = threading.local()
shared = []


def squares(limit, label):
    total = 0
    for n in range(limit):
        total += n * n
        shared.append((label, n))
    local.total = total
    return total


class Worker(threading.Thread):
    def __init__(self, numbers):
        super().__init__(name=f"worker-{numbers[0]}", target=self.work)
        self.numbers, self.result = numbers, None

    def work(self):
        self.result = [n * factor(n) for n in self.numbers]


def factor(n):
    return factor(n - 1) + 1 if n else 1


def one_after_the_other():
    for label in "ab":
        thread = threading.Thread(target=squares, args=(3,), kwargs={"label": label})
        thread.start()
        thread.join()
    worker = Worker([1, 2, 3])
    worker.start()
    worker.join()
    return shared, worker.result, worker.name, worker.is_alive(), hasattr(local, "total")


def ping_pong(rounds):
    """Two threads that hand each other the turn: which of them runs is fixed at every step."""
    turns, log = [threading.Semaphore(1), threading.Semaphore(0)], []

    def player(me):
        for number in range(rounds):
            turns[me].acquire()
            log.append((me, number))
            turns[1 - me].release()

    threads = [threading.Thread(target=player, args=(me,)) for me in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return log


def producer_consumer():
    tasks, results = queue.Queue(), queue.Queue()

    def consume():
        while (task := tasks.get()) is not None:
            try:
                results.put(10 // task)
            except ZeroDivisionError as error:
                results.put(str(error)[-12:])
            finally:
                tasks.task_done()

    thread = threading.Thread(target=consume)
    thread.start()
    for task in (1, 2, 0, 5, None):
        tasks.put(task)
    thread.join()
    return [results.get() for _ in range(4)]


def uncaught():
    """What a thread does not catch goes to threading.excepthook."""
    seen = []

    def fail(depth):
        if depth:
            fail(depth - 1)
        raise KeyError("in thread")

    def hook(args):
        seen.append(
            (
                args.exc_type.__name__,
                args.thread.name,
                [f.name for f in traceback.extract_tb(args.exc_traceback)][1:],
            )
        )

    previous, threading.excepthook = threading.excepthook, hook
    try:
        thread = threading.Thread(target=fail, args=(2,), name="failing")
        thread.start()
        thread.join()
        quiet = threading.Thread(target=sys.exit, args=(3,))
        quiet.start()
        quiet.join()
    finally:
        threading.excepthook = previous
    return [(kind, name, [n for n in names if n == "fail"]) for kind, name, names in seen]


def own_exc_info():
    inside = []
    try:
        raise ValueError("main thread")
    except ValueError:
        thread = threading.Thread(target=lambda: inside.append(sys.exc_info()))
        thread.start()
        thread.join()
        return inside, type(sys.exception()).__name__


def contexts():
    variable.set("main")
    seen = []
    for context in (contextvars.Context(), contextvars.copy_context()):
        thread = threading.Thread(target=context.run, args=(lambda: seen.append(variable.get()),))
        thread.start()
        thread.join()
    return seen


def pool():
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as executor:
        futures = [executor.submit(pow, 2, n) for n in range(3)] + [executor.submit(lambda: 1 / 0)]
        mapped = list(executor.map(lambda n: n + 1, range(3)))
        return [f.result() for f in futures[:3]], type(futures[3].exception()).__name__, mapped


def timer():
    done = threading.Event()
    thread = threading.Timer(0, done.set)
    thread.start()
    thread.join()
    barrier, lock = threading.Barrier(1), threading.RLock()
    with lock, lock:
        return done.is_set(), barrier.wait()


for function in (
    one_after_the_other,
    lambda: ping_pong(4),
    producer_consumer,
    uncaught,
    own_exc_info,
    contexts,
    pool,
    timer,
):
    print(function.__name__, function())
out = io.StringIO()
sys.stderr, kept = out, sys.stderr
thread = threading.Thread(target=lambda: {}["missing"], name="noisy")
thread.start()
thread.join()
sys.stderr = kept
print(
    [
        line
        for line in out.getvalue().splitlines()
        if "threading.py" not in line and "self." not in line and "^" not in line and "~" not in line
    ]
)
