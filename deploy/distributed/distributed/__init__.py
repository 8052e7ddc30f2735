"""The product on RabbitMQ and PostgreSQL, a process a service, on one machine."""
