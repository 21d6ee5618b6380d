"""Pages about the product, made from models and packs."""
