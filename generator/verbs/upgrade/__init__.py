"""`make upgrade`: a user's clone moves to another version of Lookout, and back."""
