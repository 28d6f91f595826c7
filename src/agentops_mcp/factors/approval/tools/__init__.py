"""Words of factor VIII."""
