"""Prunable layers, the channels that leave together, and surgery on them."""
