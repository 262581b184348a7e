"""Code objects as Python functions in which the evaluation stack is a chain of expressions: the VM at speed."""
