"""What each opcode does: a folder for 3.11, a file of changes for each version after it, and what they call."""
