"""The product in containers: `make test-compose`."""
