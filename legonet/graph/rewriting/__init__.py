"""A changed Spec back to the texts that it came from, with the smallest change of them."""
