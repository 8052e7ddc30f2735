"""Stand-ins for developers, never for customers: a mail server that keeps every mail, and an S3 server."""
