"""What every service stands on; no business words in it except the event contracts."""
