"""Drills: what is too long for every test run. Each is one command, with a short form among the slow tests."""
