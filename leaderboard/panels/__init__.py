"""The pages of the board: each draws what the rest of this package has computed."""
