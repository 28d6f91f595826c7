"""Factor IX, mining patterns: what recurs over sessions becomes a pattern, kept only while it is used."""
