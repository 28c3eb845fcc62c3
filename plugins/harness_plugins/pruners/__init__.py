"""Built-in pruners: one module, one entry point."""
