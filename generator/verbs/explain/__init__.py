"""What `lookout explain` prints: an alert in words, its limits with their source lines, its state now."""
