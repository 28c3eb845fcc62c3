"""The grid: which trials and cells there are, which are pending, and what they cost."""
