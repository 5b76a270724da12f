"""Web chat: a visitor's token for one conversation, and the agent's side of it."""
