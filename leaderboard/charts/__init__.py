"""Figures: pure functions from numbers to plotly figures."""
