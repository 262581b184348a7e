"""Reads traces and answers questions about them."""
