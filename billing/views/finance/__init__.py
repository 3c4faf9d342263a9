"""What finance reads and takes away: invoices, figures, and whether they tie out."""
