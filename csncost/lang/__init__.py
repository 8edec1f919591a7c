"""The spec language: text to syntax tree, to a written-out network, to the intermediate representation.

`lexer` -> `parser` -> `expand` (names and templates become a written-out network) -> `lower` (the network as a
graph); `printer` goes back to text. REFERENCE.md beside this file is the language's reference.
"""
