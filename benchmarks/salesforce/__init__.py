"""The measures of the Salesforce connector: its stand-in and the scripts beside it."""
