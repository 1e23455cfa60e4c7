"""Other libraries on the same rows and inputs, each in a process of its own, scored by one scorer."""
