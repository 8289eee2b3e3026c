"""What we can read from: the contract of a connector, and one folder for each."""
