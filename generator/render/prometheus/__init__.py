"""prometheus/: scrape configs, rules, and how blackbox exporter asks."""
