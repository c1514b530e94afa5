"""What is measured around a worker: time, memory, the machine and its noise."""
