"""Figures: what happened at a site, counted. ``docs/figures.md`` defines each of them once."""
