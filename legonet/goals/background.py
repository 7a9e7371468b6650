"""The name for what belongs to no category."""

BACKGROUND = "background"
"""The name for pictures of no category, and for pixels that show none."""
