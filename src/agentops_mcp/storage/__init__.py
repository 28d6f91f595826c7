"""The ledger and its mirrors: databases, migrations, git."""
