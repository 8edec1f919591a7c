"""A network written out to its graph: sizes put into numbers, arrays or symbols, layers and stages to operations."""
