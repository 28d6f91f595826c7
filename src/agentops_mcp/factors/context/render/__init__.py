"""Texts of factor II."""
