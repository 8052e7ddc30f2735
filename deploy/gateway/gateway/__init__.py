"""The one origin: what only all services together can answer, and what stands before them: pages, limits, headers."""
