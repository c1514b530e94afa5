"""Where the blocks of a plan run: this machine, or others through a scheduler."""
