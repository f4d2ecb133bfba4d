"""Fit models and keep them."""
