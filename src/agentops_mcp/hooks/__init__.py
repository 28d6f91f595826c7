"""Light entry points for the hooks of clients: a tool call is judged before it runs, and its end is noted.

A client starts one process for each call, so what is imported here is counted in milliseconds: neither the protocol
nor the database, and the rules only once there is something to judge.
"""
