"""Formats text into the one canonical layout, keeping its comments."""
