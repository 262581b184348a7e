"""CPython's own account of what a program executes, and how a recording is held against it."""
