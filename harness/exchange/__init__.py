"""Runs of many people and machines: merged, handed in, checked, and written for other tools."""
