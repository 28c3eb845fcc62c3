"""Tests of harness/testing/checking."""
