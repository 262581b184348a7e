from . import events
lazy from .heavy import work

events.append("other")


def twice(n):
    return work(work(n))
