"""How each kind of fault is caused, for real: a function of a world, which tells how often it came to pass."""
