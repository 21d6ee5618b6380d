"""grafana/: dashboards, and what Grafana reads when it starts."""
