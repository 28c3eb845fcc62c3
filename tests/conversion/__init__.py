"""Tests of harness/conversion."""
