"""Runs a program and notes what it executes.

To read in this order: `opcodes/opset.py` and `opcodes/py311/` (what an instruction does), `code.py` (a code object,
decoded), `frame.py` and `step.py` (one instruction after another), `vm.py` (the machine), `notes.py` (where what is
executed is noted), `recording.py` (a recording from beginning to end). `fused/` is the same machine at speed,
`rewritten/` the engine that runs on CPython itself; both, and stepping, dress what runs by `host/`. `recorder/` turns
notes into the trace file, `witness/` holds it against CPython's account of the run. `program.py`, `scope.py` and
`launch.py` find the program and run it as python would.
"""
