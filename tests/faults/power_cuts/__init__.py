"""Power cuts: what a command wrote, what a cut may leave of it, and what is promised of that."""
