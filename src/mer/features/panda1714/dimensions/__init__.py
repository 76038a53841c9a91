"""The columns of panda1714, a module per musical dimension."""
