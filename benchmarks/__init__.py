"""Speed and memory of crmsync beside plain scripts: `python -m benchmarks`, or `make bench`."""
