"""What staff do: pricing, customers, webhooks and health."""
