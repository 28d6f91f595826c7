"""Steps of factor XI."""
