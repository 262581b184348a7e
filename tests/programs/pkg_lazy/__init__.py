"""A package whose modules say when they are really imported."""
events = []
