"""Rows of factor XI."""
