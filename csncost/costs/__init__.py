"""The cost of a network: equations, quantities, conventions, and reports in closed form.

`equations` and `quantities` are arithmetic on sizes and never see a module; a convention is data (`rules`,
`conventions`, `tools`). A new metric or convention is one entry; nothing here reads files or draws.
"""
