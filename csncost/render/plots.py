"""Figures for papers, `cc.plot`: trade-offs, learning curves, where cost sits; and the files they become."""

from csncost.render.figures.curves import curves
from csncost.render.figures.sheet import COLUMN, save
from csncost.render.figures.stages import stage_bars
from csncost.render.figures.tradeoff import tradeoff
from csncost.render.page.page import page

__all__ = ["COLUMN", "curves", "page", "save", "stage_bars", "tradeoff"]
