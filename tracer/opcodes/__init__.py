"""What each opcode does: a file for 3.11, one of changes for each version after it, and what they call."""
