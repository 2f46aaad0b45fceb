"""What callers change: requests become commands, and are answered once those are carried out."""
