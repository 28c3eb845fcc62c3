"""Tests of harness/options."""
