"""A simulated CADIP station: downlink sessions that grow, and are as odd as they come."""
