"""Runs held against runs: verdicts, kept models timed again, the same grid twice."""
