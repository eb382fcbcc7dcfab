"""Commands into downlinks: read, told from repeats, encoded in the plugin's child, reported."""
