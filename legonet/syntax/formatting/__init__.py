"""Text to the one canonical layout, comments kept."""
