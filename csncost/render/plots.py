"""Figures for papers, `cc.plot`: trade-offs, learning curves, where cost sits; and the files they become."""

from csncost.render.curves import curves
from csncost.render.page import page
from csncost.render.stages import stage_bars
from csncost.render.style import COLUMN, TITLES, save
from csncost.render.tradeoff import Axis, tradeoff

__all__ = ["COLUMN", "TITLES", "Axis", "curves", "page", "save", "stage_bars", "tradeoff"]
