"""Built-in datasets: one module, one entry point."""
