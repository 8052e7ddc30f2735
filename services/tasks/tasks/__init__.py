"""What customers asked for, what came of it, and the live stream that shows it."""
