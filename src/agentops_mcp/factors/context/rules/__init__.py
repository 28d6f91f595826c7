"""Decisions of factor II: pure functions over plain values."""
