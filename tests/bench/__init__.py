"""How fast programs are recorded: `python -m tests.bench --help`. No test; the figures depend on the machine."""
