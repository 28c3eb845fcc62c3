"""Tests of harness/training/images."""
