"""The one origin: nginx, and what stands before the services where there is no nginx, hold the same promises."""
