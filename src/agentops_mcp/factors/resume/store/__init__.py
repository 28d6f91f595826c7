"""Rows of factor VI."""
