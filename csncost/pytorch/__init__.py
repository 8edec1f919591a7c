"""All that needs PyTorch: networks as modules, to train or to export. Nothing else in the package imports torch.

Importing it without PyTorch raises MissingExtra.
"""

from csncost.errors import MissingExtra

try:
    import torch  # noqa: F401 - asked for once, here, for every module of this package
except ModuleNotFoundError as error:
    if error.name != "torch":  # PyTorch is there, and something that it needs is not: its own words say what
        raise
    raise MissingExtra("PyTorch", "torch") from None
