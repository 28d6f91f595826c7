"""The page: where a person sees what agents ask, and decides."""
