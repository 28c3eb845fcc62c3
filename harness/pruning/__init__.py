"""From evidence to scores, from scores to masks or cut channels."""
