"""The native engine: the program runs on CPython itself, and its code objects note what they execute."""

from __future__ import annotations

from collections.abc import Sequence
from types import CodeType
from typing import Protocol

from vmtrace.tracer.code import Code, decode
from vmtrace.tracer.errors import refusing
from vmtrace.tracer.host.threads import watch_for_threads
from vmtrace.tracer.recorder.facts import Span
from vmtrace.tracer.rewritten.kinds import check
from vmtrace.tracer.rewritten.likely import Guess
from vmtrace.tracer.rewritten.mailbox import Mailbox, Notes
from vmtrace.tracer.rewritten.rewrite import rewrite
from vmtrace.tracer.rewritten.runs import find_runs
from vmtrace.tracer.vm import opcodes


class Recorder(Protocol):
    """What is needed of the recorder."""

    def add(self, code: Code, module: str | None = None, spans: Sequence[Span] | None = None) -> tuple[int, int]: ...

    def take_marks(self) -> None: ...

    def notes(self) -> Notes: ...


class NativeEngine:
    """Made in the thread that the program will run in; `code` may be called in any."""

    def __init__(self, recorder: Recorder) -> None:
        recorder.take_marks()
        self._recorder = recorder
        self._mailbox = Mailbox(recorder.notes)
        self._guess = Guess()
        self._operations = opcodes()
        self._watches = False
        self._originals: dict[int, tuple[CodeType, CodeType]] = {}
        """By id of a new code object: that, and the one it was made of."""

    def code(self, code: CodeType, module: str | None = None, namespace_is_globals: bool = True) -> CodeType:
        """The new version of a code object and of those nested in it. Raises CodeError or MissingOpcodeError."""
        if not self._watches:
            self._watches = True
            watch_for_threads(self._mailbox.share)
        self._guess.learn(code)
        return self._rewritten(code, module)

    def _rewritten(self, code: CodeType, module: str | None) -> CodeType:
        decoded = decode(code, self._operations)
        check(decoded)
        runs = find_runs(decoded, self._guess.iterates_values)
        _, first_block = self._recorder.add(decoded, module, runs.spans(decoded.blocks))
        consts = [self._rewritten(const, module) if isinstance(const, CodeType) else const for const in code.co_consts]
        with refusing(code):
            made = rewrite(decoded, runs, first_block, self._mailbox, self._guess, consts)
        self._originals[id(made)] = made, code
        return made

    def original(self, code: CodeType) -> CodeType:
        """The program's code that a new one was made of; any other as it is."""
        return self._originals.get(id(code), (code, code))[1]
