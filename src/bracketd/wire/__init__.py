"""Bytes and dialects: parameters, replies, routes. No rule of trading here."""
