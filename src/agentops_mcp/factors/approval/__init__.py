"""Factor VIII: a person decides, and the decision is bound to what was shown."""
