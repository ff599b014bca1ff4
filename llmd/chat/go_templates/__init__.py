"""Chat templates in Go's template language, as Ollama's Modelfiles have them, turned into Jinja.

`syntax` reads the language (Go's text/template), `translation` writes Jinja that renders the same
conversations as Ollama would. Only what is understood for certain is translated: the rest raises
Untranslatable, and what speaks of tools, thinking and pictures is left out and said to be.
"""
