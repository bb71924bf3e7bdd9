"""HTTP: parse, call, answer. No rule of the hall is decided in here."""
