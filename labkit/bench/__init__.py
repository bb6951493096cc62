"""What `labkit bench` measures, and how."""
