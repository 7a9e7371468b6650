"""What a build keeps: artifacts by their content keys, checkpoints, and what is remembered."""
