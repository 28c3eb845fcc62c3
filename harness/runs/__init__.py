"""Whole jobs: the phases of a run, coverage, export."""
