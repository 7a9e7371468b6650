"""Learning: specific networks by recipes, adapters by back-distillation and its companions."""
