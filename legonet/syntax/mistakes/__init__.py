"""Diagnostics for text that cannot be read, and how reading continues after it."""
