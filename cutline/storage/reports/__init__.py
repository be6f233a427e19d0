"""Reports over the files of a data root, read-only and beside the actors: plain data in, plain data out."""
