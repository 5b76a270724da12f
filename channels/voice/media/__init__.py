"""The media process: legs, mixes and recordings. It knows no agents, queues or customers."""
