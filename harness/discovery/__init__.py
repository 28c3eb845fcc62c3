"""Entry points, hooks, and the catalogue of plugins that they offer."""
