"""Tests of harness/training."""
