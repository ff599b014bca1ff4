"""How models write calls of tools: one file per format, and a registry that picks one.

Nouns: `CallFormat` (formats.py) parses calls out of text, says where they begin, and writes the
grammar that a forced call must follow; `Offer` (offer.py) is the tools of one request;
registry.py chooses by the source of a chat template. Formats share JSON calls (json_call.py over
json_text.py), tagged arguments (tagged.py), Python-like literals (pythonic.py) and the
text around calls (calls.py); grammars are put together with lark.py. Pure, and blind to tokens:
control tokens appear by their text.
"""
