"""Decisions of factor VI: pure functions over plain values."""
