"""Words of factor IX."""
