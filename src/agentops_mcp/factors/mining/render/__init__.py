"""Text of factor IX, for agents and people alike."""
