"""A Stripe account that lives here: what the official library asks is answered as Stripe answers, and no money moves."""
