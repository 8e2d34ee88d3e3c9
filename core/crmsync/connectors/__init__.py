"""What connectors share beside the contract: any connector may use it, and the engine uses none of it."""
