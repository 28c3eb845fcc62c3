"""Authoring: a plugin's distribution from a template, that passes its own tests untouched."""
