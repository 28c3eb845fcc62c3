"""Persistent storage: keys, artifacts, rows and run folders."""
