"""Shell text, parsed and walked: which programs would be called, with which words, and what flows between them."""
