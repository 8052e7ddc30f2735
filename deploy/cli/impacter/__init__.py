"""The command line for ops and admins; it knows the product through the gateway's HTTP API, the doctor also by its settings."""
