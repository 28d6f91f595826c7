"""Words of factor VI."""
