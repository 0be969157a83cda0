"""What a simulated AUXIP station offers."""
