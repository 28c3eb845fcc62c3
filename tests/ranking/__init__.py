"""Tests of harness/ranking."""
