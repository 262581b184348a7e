"""Runs a program and notes what it executes."""
