"""Factor II, context loading: the few right places in the code, inside a budget."""
