"""Runs a command and prints what it took, as JSON; itself so small that it does not count.

A process's peak memory, as the system tells it, is never below that of the process which started it: so commands are
started from here, by `python -I -S`. What the command leaves behind when it ends, such as vmtrace's writing process,
becomes a child of ours, and is accounted for, too.
"""

import ctypes
import json
import os
import sys
import time

PR_SET_CHILD_SUBREAPER = 36


def main(output, command):
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    actions = [(os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
    begin = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    _, status, own = os.wait4(process, 0)
    wall = time.perf_counter() - begin
    others = []
    try:
        while True:
            others.append(os.wait4(-1, 0)[2])
    except ChildProcessError:
        pass
    result = {
        "status": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "cpu": own.ru_utime + own.ru_stime,
        "helper_cpu": sum(usage.ru_utime + usage.ru_stime for usage in others),
        "peak": own.ru_maxrss * 1024,
        "helper_peak": sum(usage.ru_maxrss for usage in others) * 1024,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
