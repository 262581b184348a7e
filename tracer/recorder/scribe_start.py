"""The script that a writing process starts with: it leaves the program's process tree before all else.

No import but what Python has at hand: the program waits until this is done (see `recorder`).
"""

import os
import sys


class WithoutPandas:
    """Arrow imports pandas when it is given a list: 0.2 s and 50 MB, for nothing that is done here."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def main(memory: int, lifeline: int, place: int, path: list[str]) -> None:
    """`memory`, `lifeline`: file descriptors, for `Receiver`; `place`: where in the memory the process is
    to be told; `path`: the program's sys.path before it had one of its own.
    """
    process = os.fork()
    if process:  # the other one belongs to nobody then, and no os.wait() of the program finds it
        os.pwrite(memory, process.to_bytes(8, sys.byteorder), place)
        os._exit(0)
    os.setsid()  # nor does the terminal's Ctrl-C
    import site

    site.main()
    sys.path[:] = path
    sys.meta_path.insert(0, WithoutPandas)
    # Threads of numpy's, for matrices, which would wait for work at full speed for a tenth of a second.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from vmtrace.tracer.recorder.scribe_process import follow

    # What goes wrong from now on is told to the program's process; what went wrong before could only be seen.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    follow(memory, lifeline)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
