"""The Salesforce connector of crmsync: `plugin` has the hooks, `simulator` an org to try it on."""
