"""Moving bytes: from a station's address, verified on the way, to an object that appears whole or not at all."""
