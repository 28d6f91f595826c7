"""Rows of factor VIII."""
