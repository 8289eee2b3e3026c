"""What things are: frozen values and pure functions. Imports nothing of the product, does no I/O."""
