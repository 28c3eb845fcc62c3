"""The grid: what models read, which trials and cells there are, pending or not, and their cost."""
