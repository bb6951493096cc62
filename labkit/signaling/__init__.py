"""How offer and answer travel between two endpoints."""
