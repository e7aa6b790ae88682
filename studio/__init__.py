"""The band's tools: a recording becomes an SPS file, is looked at, checked and published."""
