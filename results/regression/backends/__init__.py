"""Built-in backends: one module, one entry point."""
