"""Report: one HTML file in which a campaign is looked at, without a network."""
