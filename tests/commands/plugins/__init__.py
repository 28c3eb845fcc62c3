"""Tests of harness/commands/plugins."""
