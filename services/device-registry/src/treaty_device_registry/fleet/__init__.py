"""What there is: workspaces, sites, gateways, device models and devices."""
