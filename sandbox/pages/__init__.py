"""What a person sees of the sandbox: checkout, billing portal, invoices, the bank, the front page."""
