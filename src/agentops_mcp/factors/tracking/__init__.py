"""Factor I, automated tracking: what was done and why, kept where the next agent finds it."""
