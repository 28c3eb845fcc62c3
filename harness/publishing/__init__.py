"""Leaderboards for readers: tables, charts, and a site of pages; nothing here runs a model."""
