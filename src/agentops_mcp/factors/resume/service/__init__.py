"""Steps of factor VI."""
