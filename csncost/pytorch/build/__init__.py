"""Networks as PyTorch modules: one for each operation, run step by step; parameters initialised; files exported."""
