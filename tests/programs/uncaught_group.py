"""Ends with an uncaught exception group out of a task group, behind a custom excepthook that passes it on."""

# exit: 1
import asyncio
import sys


class StageError(Exception):
    pass


async def stage(number, trail):
    try:
        await asyncio.sleep(0)
        if number != 2:  # one task is left to cancel: a task group keeps them in a set
            raise StageError(f"stage {number}")
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        trail.append(f"{number} cancelled")
        raise
    finally:
        trail.append(f"{number} done")


async def main(trail):
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(stage(number, trail))
    finally:
        trail.append("group left")


def hook(kind, value, tb):
    """Say what ended the program, then let the default hook print."""

    def leaves(error):
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from leaves(inner)
        else:
            yield f"{type(error).__name__}: {error}"

    print("hook:", kind.__name__, list(leaves(value)))
    print(sorted(trail))
    sys.stdout.flush()
    plain = ExceptionGroup(value.message, [StageError(*e.args) for e in value.exceptions])
    sys.__excepthook__(kind, plain.with_traceback(strip(tb)), None)


def strip(tb):
    """The traceback with this file's frames only."""
    kept = []
    while tb:
        if tb.tb_frame.f_code.co_filename == __file__:
            kept.append(tb)
        tb = tb.tb_next
    for current, following in zip(kept, [*kept[1:], None]):
        current.tb_next = following
    return kept[0]


trail = []
sys.excepthook = hook
assert asyncio.run(asyncio.sleep(0, "fine")) == "fine"
asyncio.run(main(trail))
