"""A scheduler by hand: generators as tasks, system calls by yield, then the same with async/await."""

import heapq
from collections import deque
from types import coroutine


class Task:
    count = 0

    def __init__(self, target):
        Task.count += 1
        self.id, self.target, self.value, self.joiners = Task.count, target, None, []


class Call:
    def handle(self, scheduler, task):
        raise NotImplementedError


class Me(Call):
    def handle(self, scheduler, task):
        task.value = task.id
        scheduler.ready.append(task)


class Spawn(Call):
    def __init__(self, target):
        self.target = target

    def handle(self, scheduler, task):
        task.value = scheduler.add(self.target)
        scheduler.ready.append(task)


class Sleep(Call):
    def __init__(self, ticks):
        self.ticks = ticks

    def handle(self, scheduler, task):
        heapq.heappush(scheduler.sleeping, (scheduler.now + self.ticks, task.id, task))


class Join(Call):
    def __init__(self, other):
        self.other = other

    def handle(self, scheduler, task):
        if self.other in scheduler.tasks:
            scheduler.tasks[self.other].joiners.append(task)
        else:
            scheduler.ready.append(task)


class Scheduler:
    def __init__(self):
        self.ready, self.sleeping, self.tasks, self.now, self.log = deque(), [], {}, 0, []

    def add(self, target):
        task = Task(target)
        self.tasks[task.id] = task
        self.ready.append(task)
        return task.id

    def run(self):
        while self.tasks:
            if not self.ready:
                self.now, _, task = heapq.heappop(self.sleeping)
                self.ready.append(task)
            task = self.ready.popleft()
            try:
                value, task.value = task.value, None
                call = task.target.send(value)
            except StopIteration as stop:
                self.end(task, f"returned {stop.value!r}")
            except Exception as error:
                self.end(task, f"raised {error!r}")
            else:
                if isinstance(call, Call):
                    call.handle(self, task)
                else:
                    self.log.append((self.now, task.id, call))
                    self.ready.append(task)
        return self.log

    def end(self, task, how):
        self.log.append((self.now, task.id, how))
        del self.tasks[task.id]
        for joiner in task.joiners:
            joiner.value = how
            self.ready.append(joiner)


def child(limit):
    me = yield Me()
    for tick in range(limit):
        yield f"tick {tick}"
        yield Sleep(me)
    if limit > 2:
        raise RuntimeError("too long")
    return limit


def parent():
    children = []
    for limit in (1, 2, 3):
        children.append((yield Spawn(child(limit))))
    for number in children:
        yield (yield Join(number))
    return "all joined"


@coroutine
def trap(call):
    return (yield call)


class Timer:
    def __init__(self, ticks):
        self.ticks = ticks

    def __await__(self):
        yield Sleep(self.ticks)
        return self.ticks


async def napper(name, naps):
    me = await trap(Me())
    total = 0
    for nap in naps:
        total += await Timer(nap)
        await trap(f"{name} slept {nap}")
    return me, total


async def nursery():
    numbers = [await trap(Spawn(napper(name, naps))) for name, naps in (("x", (3, 1)), ("y", (1, 1, 4)))]
    return [await trap(Join(number)) for number in numbers]


for root in parent, nursery:
    scheduler = Scheduler()
    scheduler.add(root())
    for entry in scheduler.run():
        print(root.__name__, *entry)
assert Task.count == 7
