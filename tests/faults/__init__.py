"""The campaign of faults, which `tox -e faults` runs."""
