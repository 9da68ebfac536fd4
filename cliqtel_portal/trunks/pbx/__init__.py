"""Configuration for a customer's phone system: text is made, nothing is changed.

`generate.py` looks up and checks, `asterisk.py`, `three_cx.py` and `teams.py` write.
"""
