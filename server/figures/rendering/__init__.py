"""Reports as people and programs read them: a table for a terminal, JSON, CSV, a page to print."""
