"""One method on one model, data set and seed: run level by level, kept as snapshots."""
