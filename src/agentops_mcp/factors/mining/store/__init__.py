"""Rows of factor IX."""
