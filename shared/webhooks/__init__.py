"""Telling users' own servers what happened, as the specification of Standard Webhooks has it."""
