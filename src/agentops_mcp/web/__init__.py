"""The page: where people decide, from a browser on this machine."""
