"""Decisions of factor IX: pure functions over plain values."""
