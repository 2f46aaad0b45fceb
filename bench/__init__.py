"""Performance claims, one file each; README.md has the commands and the last figures."""
