"""What users would pick instead, on the same rows and inputs, each in a process of its own and scored by one scorer."""
