"""The `vmtrace` command, which `python -m vmtrace.cli` is, too."""

import sys
from typing import NoReturn

from vmtrace.cli import interrupted


def main() -> NoReturn:
    """Runs the command line that the process was given."""
    try:
        from vmtrace.cli.main import main as run
    except KeyboardInterrupt:  # which takes a tenth of a second
        print(interrupted.LINE, file=sys.stderr)
        sys.exit(interrupted.STATUS)
    run()


if __name__ == "__main__":
    main()
