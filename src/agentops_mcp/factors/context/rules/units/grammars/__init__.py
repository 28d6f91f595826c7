"""For each language, which nodes of its syntax tree are units."""
