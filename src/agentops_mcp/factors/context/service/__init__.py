"""Steps of factor II."""
