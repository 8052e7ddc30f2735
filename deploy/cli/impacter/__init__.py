"""The command line for ops and admins; it knows the product through the gateway's HTTP API only."""
