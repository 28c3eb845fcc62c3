"""Boards for others: a static site of them, with badges and downloads."""
