"""Tests of harness/networks."""
