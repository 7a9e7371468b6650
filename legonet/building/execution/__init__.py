"""Plan to Artifacts: jobs, the step runner, and the places where it runs."""
