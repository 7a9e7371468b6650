"""The mark of pixels whose right answer is unknown."""

VOID = 255
"""The mask value of pixels that count in neither a loss nor a score."""
