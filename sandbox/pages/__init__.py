"""What a person sees of the sandbox: checkout, portal, invoices, the bank, the front page."""
