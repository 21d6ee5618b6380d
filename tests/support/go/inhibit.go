// Which alert mutes which, by Alertmanager's own package: the answer that generator/prove/simulate.py is compared with.
//
// It reads {"config": PATH, "alerts": [{LABEL: VALUE}]} and prints, for each alert as the only source, the numbers of the
// alerts that it mutes.
package main

import (
	"context"
	"encoding/json"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/labelset"
	"github.com/prometheus/alertmanager/provider"
	"github.com/prometheus/common/model"
)

type question struct {
	Config string           `json:"config"`
	Alerts []model.LabelSet `json:"alerts"`
}

// one is a provider of a single alert.
type one struct {
	provider.Alerts
	source *alert.Alert
}

func (o one) SlurpAndSubscribe(string) ([]*alert.Alert, provider.AlertIterator) {
	none := make(chan *provider.Alert)
	return []*alert.Alert{o.source}, provider.NewAlertIterator(none, make(chan struct{}), nil)
}

func mutedBy(source model.LabelSet, asked question, loaded *config.Config) []int {
	now := time.Now()
	firing := &alert.Alert{Alert: model.Alert{Labels: source, StartsAt: now, EndsAt: now.Add(time.Hour)}, UpdatedAt: now}
	inhibitor := inhibit.NewInhibitor(
		one{source: firing}, loaded.InhibitRules, slog.New(slog.DiscardHandler), eventrecorder.NopRecorder(),
	)
	go inhibitor.Run()
	defer inhibitor.Stop()
	inhibitor.WaitForLoading()
	muted := []int{}
	for number, target := range asked.Alerts {
		if inhibitor.Mutes(context.Background(), labelset.FromModel(target)) {
			muted = append(muted, number)
		}
	}
	return muted
}

func main() {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		log.Fatal(err)
	}
	loaded, err := config.LoadFile(asked.Config)
	if err != nil {
		log.Fatal(err)
	}
	answer := make([][]int, len(asked.Alerts))
	for number, source := range asked.Alerts {
		answer[number] = mutedBy(source, asked, loaded)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		log.Fatal(err)
	}
}
