"""The child process: loads one model, answers, times every token; imports nothing else of ours."""
