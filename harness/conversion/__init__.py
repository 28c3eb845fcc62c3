"""Conversion: from a snapshot to the file that a backend loads, and whether both compute alike."""
