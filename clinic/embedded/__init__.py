"""The database and the broker that come along, and the one command that runs everything."""
