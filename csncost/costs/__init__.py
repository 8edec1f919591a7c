"""The cost of a network: metrics, equations, quantities, conventions, counts, reports and closed forms.

`equations` and `quantities` are arithmetic on sizes and never see a module; `metrics` is the one list of what is
counted, `conventions/` says how. A new metric or convention is one entry; nothing here reads files or draws.
"""
