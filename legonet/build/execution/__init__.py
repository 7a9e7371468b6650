"""Plan to Artifacts: orders, the workshop that fills them, and who works in it."""
