"""ModuleGraph to Plan: what a build would do, and why."""
