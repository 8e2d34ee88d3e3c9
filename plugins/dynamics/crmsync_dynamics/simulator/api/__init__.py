"""The vendor's Web API over plain calls and replies; `router` has the table of what answers which path."""
