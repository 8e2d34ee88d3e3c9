"""Programs of the marketing side and their campaigns: links, memberships, and what moved in them."""
