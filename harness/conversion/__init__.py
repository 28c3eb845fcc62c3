"""From a snapshot to the file that a backend loads, and whether it computes the same."""
