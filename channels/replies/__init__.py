"""Saved replies: texts that agents write again and again, the centre's and their own."""
