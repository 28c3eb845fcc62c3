"""Tests of harness/contracts."""
