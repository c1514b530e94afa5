"""The child process: loads one model, answers, times every token, and imports nothing else of ours."""
