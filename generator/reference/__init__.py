"""docs/reference/ and the library's own tables: what is true of the product, whatever a services.yaml says.

Owns pages made of models and packs. It must not know a Site: what depends on services.yaml is rendered.
"""
