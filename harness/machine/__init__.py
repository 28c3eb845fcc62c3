"""This computer: facts, load, memory, clock, energy meters, device locks."""
