from . import events

events.append("heavy begins")
VALUE = 42


def work(n):
    return n * VALUE


events.append("heavy ends")
