"""The OpenAPI 3.1 document of everything that answers over TCP, and pages to read it with.

Nouns: `Documents` (built once from the mounts' routes, whole or of one dialect), schemas.py
(structs to JSON Schema), operations.py (a route to an operation), answers.py (what comes back,
errors too), parameters.py (paths, queries), serving.py (/openapi.json, Swagger UI, ReDoc), pages/
(their files, as their makers publish them, and two small scripts that start them).

Knows routes and structs, nothing of models; what routes declare is what validates, so the document
cannot say another thing than the daemon does.
"""
