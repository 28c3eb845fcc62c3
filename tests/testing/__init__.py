"""Tests of the conformance kit: what it recognises, and that each check can fail."""
