"""Factor XI, fail-safe checks: an action is judged before it happens, and a mistake is recognised the second time."""
