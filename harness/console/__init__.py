"""What a person types and sees, whatever the command: options, tables, progress, reports."""
