"""One method on one model, data set and seed: planned, run level by level, kept as snapshots."""
