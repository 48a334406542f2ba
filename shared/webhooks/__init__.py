"""Webhooks: notifies users' servers of ended jobs, as specified by Standard Webhooks."""
