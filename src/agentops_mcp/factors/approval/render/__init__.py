"""Requests in words, for agents and people."""
