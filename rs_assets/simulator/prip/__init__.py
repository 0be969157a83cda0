"""What a simulated PRIP station offers."""
