"""What a change means for people, read out of the rendered files as they were and as they will be."""
