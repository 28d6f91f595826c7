"""Source text cut into the pieces a reader would recognise."""
