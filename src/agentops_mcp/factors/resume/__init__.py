"""Factor VI, resume work: a session begins with what the last one left."""
