"""The native engine: the program's own code, with instructions added that note what it executes."""
