"""`python -m crmsync_dynamics.simulator`."""

from crmsync_dynamics.simulator.serving import main

main()
