"""Forecasting: how long people will wait, learned from how long others did. ``docs/forecast.md``."""
