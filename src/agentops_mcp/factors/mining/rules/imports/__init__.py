"""What other tools and people wrote down, read item by item."""
