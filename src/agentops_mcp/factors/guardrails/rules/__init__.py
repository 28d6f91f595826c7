"""Decisions: what a command would do, and whether it may.

Everything here runs in the light hook before each tool call, so it starts fast: NamedTuples, no `dataclasses`, no
pattern compiled at import, and each family of programs imported when one of them is called.
"""
