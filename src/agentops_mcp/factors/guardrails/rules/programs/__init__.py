"""What programs do: one module a family, each with `outcome(call, world)`, imported when one of its programs is met."""
