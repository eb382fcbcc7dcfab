"""HTTP as every service speaks it: problems, bearer tokens, pages, probes, a server that drains."""
