"""Text messages: their providers, how long they are, what is written back, and what comes of that."""
