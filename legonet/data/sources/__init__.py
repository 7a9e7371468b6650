"""The sources that legonet knows, one file each."""
