"""Whole jobs: the phases of a run, comparison, coverage, export."""
