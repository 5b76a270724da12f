"""The demo's life: simulated customers and agents, who use the services that people use."""
