"""The command line: one file a verb, each a short call of the function that a library user would call."""

__all__: list[str] = []
