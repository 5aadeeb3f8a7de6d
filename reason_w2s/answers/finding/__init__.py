"""Where the final answer of a response stands."""
