"""Tests of harness/trials."""
