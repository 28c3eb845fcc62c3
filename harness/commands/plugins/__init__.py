"""Commands about plugins: which there are, what one is, a new one."""
