"""Built-in reporters: one module, one entry point."""
