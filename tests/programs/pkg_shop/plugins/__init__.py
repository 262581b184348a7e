"""Plugins, imported one by one."""
