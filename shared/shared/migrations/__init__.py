"""The history of the tables in `shared.tables`, which every service's database has."""
