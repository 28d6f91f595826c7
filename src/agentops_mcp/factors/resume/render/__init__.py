"""Texts of factor VI, for agents and people alike."""
