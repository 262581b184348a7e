"""The trace file format: schema, writer, reader."""

from vmtrace.traces.errors import TraceError
from vmtrace.traces.reader import Chunk, Trace, open_trace
from vmtrace.traces.schema import BATCH_ROWS, FORMAT_VERSION
from vmtrace.traces.writer import TraceWriter

__all__ = ["BATCH_ROWS", "FORMAT_VERSION", "Chunk", "Trace", "TraceError", "TraceWriter", "open_trace"]
