"""Steps of factor VIII."""
