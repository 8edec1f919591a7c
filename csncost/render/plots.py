"""Figures for papers, `cc.plot`: trade-offs, learning curves, where cost sits; and the files they become."""

from csncost.render.figures.curves import curves
from csncost.render.figures.stages import stage_bars
from csncost.render.figures.style import COLUMN, TITLES, save
from csncost.render.figures.tradeoff import Axis, tradeoff
from csncost.render.page.page import page

__all__ = ["COLUMN", "TITLES", "Axis", "curves", "page", "save", "stage_bars", "tradeoff"]
