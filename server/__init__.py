"""Onthaal's server: rules, journal, live state, HTTP and websockets."""
