"""Words of factor II."""
