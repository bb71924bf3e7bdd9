"""Waiting times as they are promised in a running house, and what became of them. ``docs/promise.md``."""
