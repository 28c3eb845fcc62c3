"""Where jobs run: worker processes here, or hosts of a Ray cluster."""
