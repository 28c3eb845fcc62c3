"""Tests of harness/machine."""
