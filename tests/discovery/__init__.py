"""Tests of harness/discovery."""
