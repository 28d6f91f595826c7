"""Decisions of factor VIII."""
