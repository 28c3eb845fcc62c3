"""Trials: one method on one model, dataset and seed, run level by level, saved as snapshots."""
