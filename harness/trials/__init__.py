"""One method on one model, data set and seed: planned, walked level by level, kept as snapshots."""
