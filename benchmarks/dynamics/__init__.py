"""The measures of the Dynamics connector: its stand-in and the scripts beside it."""
