"""The Microsoft Dynamics 365 connector of crmsync: `plugin` has the hooks, `simulator` an environment to try it on."""
