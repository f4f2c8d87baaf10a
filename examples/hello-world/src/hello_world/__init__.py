"""Greets, politely and in colour."""
