"""The tabs of a number's page that look into other apps: part of the composition root.

The first tab, the number by itself, is `numbers.views.number_detail`.
"""
