"""The journeys of product.md, walked over HTTP on the running product."""
