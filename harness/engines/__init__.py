"""Engines: where trials and timings run."""
