"""Presets: models of their own name that share another's files and bring a system prompt, a chat
template, sampling, load options and adapters of their own.

`recipe` is what a preset shall be, whatever it was written in; `tables` reads TOML and JSON,
`modelfile` the lines of an Ollama Modelfile, `instructions` what they mean; `effect` lays a preset
upon requests. All of it decides and touches no file; `services.presets` does.
"""
