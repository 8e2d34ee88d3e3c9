"""What leaves for the CRM: local edits, intents and activities, how each ended, and what was set aside."""
