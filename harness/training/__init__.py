"""The recipe, its data and its loop, and evaluation."""
