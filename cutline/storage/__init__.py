"""Files: opened, migrated, appended to, verified and replicated here and nowhere else."""
