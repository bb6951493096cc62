"""Tools of the people who write the lab; nothing here is installed with it."""
