"""The spec language: text to syntax tree, to a network written out, to its graph. Knows no costs.

Text passes `lexer`, `parser` (with `expressions`) and `syntax`; `library` has the definitions, `expand` puts them in,
`lower/` makes the graph; `printer` and `canonical` lead back to text. Every token carries its span, every fault is a
SpecError. The language itself is described in REFERENCE.md, whose examples are run as tests.
"""
