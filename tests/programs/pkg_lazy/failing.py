from . import events

events.append("failing begins")
raise RuntimeError("on first use")
