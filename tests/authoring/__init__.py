"""Tests of harness/authoring."""
