"""What a run did: told, foretold, judged and taken back."""
