"""Steps of factor IX."""
