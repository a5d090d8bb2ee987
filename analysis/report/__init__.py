"""Report: a campaign as one page that needs nothing else: its data, its methods paragraph, its references."""
