"""The person's surface: the command line."""
