"""A network as a graph of operations with scopes and shapes, over ints, arrays and symbols. No costs, no syntax.

`sizes` is the arithmetic that all three share, `ops` the operations and the shapes they give, `graph` their graph.
"""
