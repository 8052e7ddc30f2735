"""What no single service can promise."""
