"""What goes in and out of billing over HTTP, by noun."""
