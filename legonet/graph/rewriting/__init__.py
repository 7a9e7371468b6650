"""Writes a changed Spec back into its texts, changing them as little as possible."""
