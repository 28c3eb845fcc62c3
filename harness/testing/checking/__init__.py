"""`harness check`: the kit over all plugins of a distribution or a file, and a small run with each."""
