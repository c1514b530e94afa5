"""Run candidates on suites in a measured child process, and keep what was measured."""
