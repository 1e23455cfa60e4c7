"""Quality: cold-start ranking of every row on one data set, mean and deviation over seeds."""
