module lookout/images/alertmanager

go 1.26.0
