"""Leaderboards as tables and charts, defined once for terminals, pages, papers and programs."""
