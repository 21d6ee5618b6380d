"""The running parts of the stack."""
