"""Built-in schedules: one module, one entry point."""
