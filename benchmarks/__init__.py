"""What the product costs: against its aims, this machine's limits and its peers, measured in one run."""
