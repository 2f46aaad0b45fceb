"""The page people live in: server-rendered, in their language and time zone.

It asks the same functions that REST asks, and changes nothing itself: forms call REST.
"""
