"""Where trials and timings run."""
