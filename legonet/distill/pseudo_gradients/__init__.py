"""Pseudo-gradients through one task module, and their moments: nothing here knows an edge."""
