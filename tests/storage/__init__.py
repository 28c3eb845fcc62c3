"""Tests of harness/storage."""
