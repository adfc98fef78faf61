"""The commands of `tunesmith`, one file for each group. Importing one imports click and nothing heavier."""
