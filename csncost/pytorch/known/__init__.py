"""The known operations of PyTorch: their names, the shapes they give, and the quantities they cost.

An operation that has no entry here is listed as unknown by a trace, never counted as nothing.
"""
