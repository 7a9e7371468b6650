"""Training: what an adapter or a network is trained for, and the loop that trains it."""
