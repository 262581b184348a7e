"""What is to be recorded, and how: what the command line makes of its words, and hands to the process that records.

Both processes load this, and the first one nothing else of the tracer that takes long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vmtrace.tracer.host.hide import hide_functions
from vmtrace.tracer.program import Program, load, load_command, load_module
from vmtrace.tracer.scope import Scope

ENGINES = ("vm", "native", "check")
"""The names that `vmtrace.tracer.recording` has them by."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be recorded, and how."""

    form: str
    """`file`, `module` or `command`."""
    program: str
    arguments: Sequence[str]
    include: Sequence[str]
    exclude: Sequence[str]
    engine: str
    sources: bool
    quiet: bool
    path: str
    """Where the trace goes."""
    shown: str
    """The same as the user would write it."""
    next: str
    """The command that reads it."""
    facts: Mapping[str, object]
    """Of the run, known before it (see `become.facts`)."""

    def load(self) -> Program:
        """Raises ProgramError."""
        loaders = {"file": load, "module": load_module, "command": load_command}
        return loaders[self.form](self.program, self.arguments)

    def scope(self, program: Program) -> Scope:
        """What of the program is traced."""
        return Scope(program.file, program.folder, self.include, self.exclude)


hide_functions(globals())
