"""What an operator types: one file per `flask billing` command."""
