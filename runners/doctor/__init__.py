"""Checks of `weighin doctor`, each a function that returns a `Check`."""
