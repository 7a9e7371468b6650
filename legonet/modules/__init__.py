"""Networks and their parts: models, weights, cuts, frozen modules and adapters."""
