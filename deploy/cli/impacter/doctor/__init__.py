"""The doctor: looks at each link that the product hangs on, and says of a broken one what to do."""
