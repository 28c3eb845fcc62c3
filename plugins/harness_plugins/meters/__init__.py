"""Built-in meters: one module, one entry point."""
