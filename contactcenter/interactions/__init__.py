"""The hall's centre: contacts, conversations, interactions and their messages."""
