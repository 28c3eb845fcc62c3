"""Built-in models: one module, one entry point."""
