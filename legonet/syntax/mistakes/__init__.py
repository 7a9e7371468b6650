"""What a person is told of a text that cannot be read, and how reading goes on behind it."""
