"""How to make a FastAPI app observable: metrics, logs, request ids, readiness, a guarded /metrics.

Each module stands alone and none knows the demo product, so that a reader can copy what they need.
"""
