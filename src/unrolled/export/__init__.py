"""A trained model in forms that run elsewhere."""
