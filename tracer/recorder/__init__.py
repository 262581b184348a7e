"""From notes to the trace file: what stays in the program's process, and the process that writes."""
