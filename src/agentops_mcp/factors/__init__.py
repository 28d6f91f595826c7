"""One folder a factor: rules (decisions), store (rows), service (steps), tools (words)."""
