"""`python -m crmsync_salesforce.simulator`."""

from crmsync_salesforce.simulator.serving import main

main()
