from .. import loaded

loaded.append("broken begins")
1 / 0
loaded.append("never")
