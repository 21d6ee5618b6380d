"""`lookout new-pack`: a pack to start from, out of what a program really exports."""
