"""What a person sees, whatever the command: tables, progress, reports."""
