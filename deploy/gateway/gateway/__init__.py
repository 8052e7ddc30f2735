"""What only all services together can answer, behind the one origin: health and the API's document."""
