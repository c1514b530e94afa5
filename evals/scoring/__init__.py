"""Answers that need more than lm-eval's metrics: a file for each kind, behind one protocol."""
