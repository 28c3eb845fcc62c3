"""Plugin discovery: entry points, hooks, and the catalogue of what they offer."""
