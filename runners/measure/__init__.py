"""Measurements around a worker: time, memory, energy, and the machine's noise."""
