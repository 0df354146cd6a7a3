"""Plots of a report: drawn by matplotlib, which has the scales, ticks and layouts, and written as SVG.

Why so: the file stays small (a plot is 5 to 30 kB, an interactive library alone 1 to 4 MB), needs no script, prints,
and its text is text. Colours are written as CSS variables of the page, so that one drawing is right in light, in dark
and on paper.
"""
