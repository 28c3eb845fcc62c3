"""This machine: environment, load, memory, clock, energy meters, device locks."""
